/** describe(): what is open and pending, for people. */
import { Connection } from './connection.ts';
import { DatagramSocket } from './datagram-socket.ts';
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
    else if (record instanceof DatagramSocket) lines.push(...datagramOrigins(record));
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
  if (record instanceof DatagramSocket) return `  UDP ${common}: ${datagramState(record)}`;
  if (!(record instanceof Connection)) return `  ${common}`;
  const peer =
    record.peer === null
      ? (record.nameConnect?.describe() ?? 'no peer')
      : `${record.peer.address} port ${record.peer.port}`;
  return `  ${common}: ${peer}, ${record.queuedBytes} bytes queued, ${record.pendingCallbacks} callbacks owed`;
}

function stateOf(record: SocketRecord): string {
  if (record.closing) return 'CLOSING';
  if (record instanceof DatagramSocket) return record.peer === null ? 'BOUND' : 'CONNECTED';
  if (!(record instanceof Connection)) return 'LISTENING';
  if (!record.connected) return 'CONNECTING';
  const reading = record.firstRead !== null;
  const writing = record.firstWrite !== null;
  if (reading) return writing ? 'READING+WRITING' : 'READING';
  return writing ? 'WRITING' : 'CONNECTED';
}

function datagramState(record: DatagramSocket): string {
  const { peer, receiving, arrivals, arrivedBytes, sending, waitingSends, queuedBytes, pendingCallbacks } = record;
  const to = peer === null ? 'any peer' : `${peer.address} port ${peer.port}`;
  return (
    `${to}, ${receiving.size} receives posted, ${arrivals.length} datagrams untaken (${arrivedBytes} bytes pinned), ` +
    `${sending.size} sends under way and ${waitingSends} waiting (${queuedBytes} bytes), ${pendingCallbacks} callbacks owed`
  );
}

function datagramOrigins(record: DatagramSocket): string[] {
  const lines: string[] = [];
  for (let receive = record.firstReceive; receive !== null; receive = receive.next) {
    if (receive.origin !== undefined)
      lines.push(`    receive of up to ${receive.maxBytes} bytes`, indent(receive.origin));
  }
  const sends = [...record.sending].flatMap(({ datagram }) => (datagram === null ? [] : [datagram]));
  for (let send = record.firstSend; send !== null; send = send.next) sends.push(send);
  for (const { origin, total } of sends) {
    if (origin !== undefined) lines.push(`    send of ${total} bytes`, indent(origin));
  }
  return lines;
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
