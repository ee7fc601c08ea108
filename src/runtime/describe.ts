/** inspect() and describe(): what is open and pending, for programs and for people. */
import type { Endpoint } from '../pal/handles.ts';
import type { FileDescription, PalDescription, RequestDescription, SocketDescription } from '../pal/pal-description.ts';
import type { Context } from '../context/context.ts';
import { OperationKind, OperationState, type Operation } from '../memory/operation.ts';
import { originOf, type SocketRecord } from '../sockets/socket-record.ts';

/** Everything that is open. Makes no system call, and changes nothing. */
export function inspectContext(context: Context, state: PalDescription['state']): PalDescription {
  const now = context.platform.scheduler.now();
  return {
    state,
    operations: context.operations.used,
    pendingCallbacks: context.pendingCallbacks,
    queuedBytes: context.queuedBytes,
    sockets: Array.from(context.sockets, (record) => inspectSocket(record, now)),
  };
}

function inspectSocket(record: SocketRecord, now: number): SocketDescription {
  const { kind, state, local = null, peer = null, name = null, queues, requests } = record.describe(now);
  const interest = record.watch?.interest;
  return {
    handle: record.handle,
    systemSocket: record.socket,
    kind,
    state,
    ageMs: Math.round(now - record.createdAt),
    local,
    peer,
    name,
    referenced: record.referenced,
    watching: interest ? { readable: interest.readable === true, writable: interest.writable === true } : null,
    pendingCallbacks: record.pendingCallbacks,
    queues,
    operations: Array.from(record.operations(), inspectOperation),
    requests,
    ...originOf(record),
  };
}

function inspectOperation({ kind, state, index, syscall }: Operation): SocketDescription['operations'][number] {
  return { kind: nameOf(OperationKind, kind), state: nameOf(OperationState, state), slot: index, syscall };
}

/**
 * The same as text: a line for the PAL, one per socket, one for the kernel's operations of each sort, one per call that waits, and where
 * origins were tracked, the places that made them.
 */
export function formatDescription({ state, operations, pendingCallbacks, sockets }: PalDescription): string {
  const lines = [`${sockets.length} sockets, ${operations} operations, ${pendingCallbacks} callbacks owed, ${state}`];
  for (const socket of sockets) {
    lines.push(formatSocket(socket));
    for (const line of formatOperations(socket.operations)) lines.push(`    ${line}`);
    for (const request of socket.requests) {
      lines.push(`    ${formatRequest(request)}`);
      if (request.origin !== undefined) lines.push(indent(request.origin));
    }
    if (socket.origin !== undefined) lines.push('    made by', indent(socket.origin));
  }
  return lines.join('\n');
}

function formatSocket(socket: SocketDescription): string {
  const { handle, kind, systemSocket, ageMs, state, local, peer, name, watching, queues, pendingCallbacks } = socket;
  const facts = [
    ...(local === null ? [] : [`on ${formatEndpoint(local)}`]),
    ...(name === null ? [] : [name]),
    ...(peer === null ? [] : [`peer ${formatEndpoint(peer)}`]),
    ...Object.entries(queues)
      .filter(([, size]) => size > 0)
      .map(([name, size]) => `${size} ${inWords(name)}`),
    `${pendingCallbacks} callbacks owed`,
    ...(watching === null ? [] : ['watched']),
    ...(socket.referenced ? [] : ['unreferenced']),
  ];
  return `  ${kind} ${handle} (SOCKET ${systemSocket}), ${ageMs} ms old, ${state}: ${facts.join(', ')}`;
}

/** A line for each, and one for all that are of the same kind and in the same state, as the accepts of an idle server are. */
function formatOperations(operations: SocketDescription['operations']): string[] {
  return operations.flatMap(({ kind, state, slot }, index) => {
    const alike = operations.filter((other) => other.kind === kind && other.state === state);
    if (alike[0] !== operations[index]) return [];
    return alike.length === 1 ? `${kind} in slot ${slot}: ${state}` : `${alike.length} × ${kind}: ${state}`;
  });
}

function formatRequest(request: RequestDescription): string {
  const { timeLeftMs, hasSignal } = request;
  return [
    formatCall(request),
    ...(timeLeftMs === null ? [] : [`${timeLeftMs} ms left`]),
    ...(hasSignal ? ['with a signal'] : []),
  ].join(', ');
}

function formatCall({ kind, bytes, done, file }: RequestDescription): string {
  if (kind === 'read' || kind === 'receive') return `${kind} of up to ${bytes} bytes`;
  if (file !== undefined) return `${kind} of ${formatFile(file)}`;
  if (kind === 'write' || kind === 'sendFile') return `${kind}, ${done} of ${bytes} bytes sent`;
  if (kind === 'drain') return `drain to ${bytes} bytes`;
  return kind === 'send' ? `send of ${bytes} bytes` : kind;
}

function formatFile({ source, offset, length, sent }: FileDescription): string {
  const progress = length === null ? `${sent} bytes sent` : `${sent} of ${length} bytes sent`;
  return `${source} from byte ${offset} on, ${progress}`;
}

function formatEndpoint({ address, port }: Endpoint): string {
  return `${address} port ${port}`;
}

function inWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}

function indent(stack: string): string {
  return stack.replace(/^\s*/gm, '        ');
}
