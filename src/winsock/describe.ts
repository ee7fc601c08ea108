/** describe(): what is open and pending, for people. */
import { Connection } from './connection.ts';
import type { Driver } from './driver.ts';
import { Listener } from './listener.ts';
import { OperationKind, OperationState } from './operation.ts';
import type { SocketRecord } from './socket-record.ts';

/** One line per socket, one more per pending operation, and the origins where they were tracked. */
export function describeDriver(driver: Driver): string {
  const lines = [
    `${driver.sockets.size} sockets, ${driver.operations.used} operations, ${driver.pendingCallbacks} callbacks owed`,
  ];
  for (const record of driver.sockets) {
    lines.push(describeSocket(driver, record));
    for (const operation of record.operations()) {
      const kind = nameOf(OperationKind, operation.kind);
      lines.push(`    ${kind} in slot ${operation.index}: ${nameOf(OperationState, operation.state)}`);
    }
    if (record instanceof Connection) lines.push(...requestOrigins(record));
    if (record.origin !== undefined) lines.push(indent(record.origin));
  }
  return lines.join('\n');
}

function describeSocket(driver: Driver, record: SocketRecord): string {
  const age = Math.round(driver.kernel.scheduler.now() - record.createdAt);
  const common = `socket ${record.handle} (${record.socket}), ${age} ms old, ${stateOf(record)}`;
  if (record instanceof Listener) {
    const { posted, accepted, waiting, limits, paused } = record;
    const pool = `${posted} accepts posted, ${accepted.length} untaken, ${waiting.length} waiting`;
    return `  server ${common}: ${pool}, ${limits.open} connections open${paused ? ', paused' : ''}`;
  }
  if (!(record instanceof Connection)) return `  ${common}`;
  const peer = record.peer === null ? 'no peer' : `${record.peer.address} port ${record.peer.port}`;
  return `  ${common}: ${peer}, ${record.queuedBytes} bytes queued, ${record.pendingCallbacks} callbacks owed`;
}

function stateOf(record: SocketRecord): string {
  if (record.closing) return 'CLOSING';
  if (!(record instanceof Connection)) return 'LISTENING';
  if (!record.connected) return 'CONNECTING';
  const reading = record.firstRead !== null;
  const writing = record.firstWrite !== null;
  if (reading) return writing ? 'READING+WRITING' : 'READING';
  return writing ? 'WRITING' : 'CONNECTED';
}

function requestOrigins(record: Connection): string[] {
  const lines: string[] = [];
  for (let read = record.firstRead; read !== null; read = read.next) {
    if (read.origin !== undefined) lines.push(`    read of up to ${read.maxBytes} bytes`, indent(read.origin));
  }
  for (let write = record.firstWrite; write !== null; write = write.next) {
    if (write.origin !== undefined) {
      lines.push(`    write, ${write.sent} of ${write.total} bytes sent`, indent(write.origin));
    }
  }
  return lines;
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}

function indent(stack: string): string {
  return stack.replace(/^\s*/gm, '        ');
}
