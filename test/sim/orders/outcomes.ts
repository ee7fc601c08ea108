/**
 * What an operation reports when something happens while it is pending: every cell is enumerated in exhaustive.test.ts,
 * in every order that there is, and shown in docs/errors.md.
 *
 * `alone`: what the callback gets when nothing but the event happens. `racing`: what it may get when the operation could
 * complete at the same moment; each of these comes out of some order, and nothing else out of any. null: it cannot.
 *
 * Windows and Wine agree in every cell: the library sees to that.
 */
export type OperationName = 'read' | 'write' | 'sendFile' | 'connect' | 'accept' | 'receiveFrom' | 'sendTo';

export type EventName =
  | 'nothing'
  | 'closeSocket'
  | 'resetSocket'
  | "shutdown('send')"
  | "shutdown('receive')"
  | "shutdown('both')"
  | 'stopEventLoop'
  | 'FIN'
  | 'RST'
  | 'timeout'
  | 'cancel()'
  | 'cancel(hard)'
  | 'abort of its signal'
  | 'nobody listens'
  | 'no route';

/** What a callback gets: the error's code and kind, 'success', 'end' (a read of 0 bytes), or nothing yet. */
export type Outcome =
  | 'success'
  | 'end'
  | 'still pending'
  | 'ECANCELED ConnectionClosed'
  | 'ECANCELED Interrupted'
  | 'ABORT_ERR Interrupted'
  | 'ECONNRESET ConnectionReset'
  | 'ECONNREFUSED ConnectionRefused'
  | 'ETIMEDOUT Timeout'
  | 'EHOSTUNREACH HostUnreachable';

export interface Cell {
  readonly operation: OperationName;
  readonly event: EventName;
  readonly by: 'you' | 'the peer' | 'the network' | '';
  readonly alone: readonly Outcome[];
  readonly racing: readonly Outcome[] | null;
  /** Statuses of the packets that the operation ends with, over all orders of both. */
  readonly statuses: readonly string[];
}

const CANCELLED = 'ECANCELED ConnectionClosed';
const TAKEN_BACK = 'ECANCELED Interrupted';
const ABORTED = 'ABORT_ERR Interrupted';
const TIMED_OUT = 'ETIMEDOUT Timeout';
const RESET = 'ECONNRESET ConnectionReset';

const REFUSED = 'ECONNREFUSED ConnectionRefused';
const PENDING = 'still pending';

/** STATUS_SUCCESS, STATUS_CANCELLED and so on, by the names of ffi/ntstatus.ts without their first word. */
const ALWAYS = 'SUCCESS';

export const OUTCOMES: readonly Cell[] = [
  cell('read', 'nothing', '', [PENDING], ['success'], [ALWAYS]),
  cell('read', 'closeSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('read', 'resetSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('read', "shutdown('send')", 'you', [PENDING], ['success'], [ALWAYS]),
  cell('read', "shutdown('receive')", 'you', ['end'], ['success', 'end'], [ALWAYS, 'CANCELLED']),
  cell('read', "shutdown('both')", 'you', ['end'], ['success', 'end'], [ALWAYS, 'CANCELLED']),
  cell('read', 'stopEventLoop', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('read', 'cancel()', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS, 'CANCELLED']),
  cell('read', 'abort of its signal', 'you', [ABORTED], ['success', ABORTED], [ALWAYS, 'CANCELLED']),
  cell('read', 'timeout', 'you', [TIMED_OUT], ['success', TIMED_OUT], [ALWAYS, 'CANCELLED']),
  cell('read', 'FIN', 'the peer', ['end'], ['success', 'end'], [ALWAYS]),
  cell('read', 'RST', 'the peer', [RESET], ['success', RESET], [ALWAYS, 'CONNECTION_RESET']),

  cell('write', 'nothing', '', [PENDING], ['success'], [ALWAYS]),
  cell('write', 'closeSocket', 'you', [CANCELLED], ['success'], [ALWAYS, 'CANCELLED']),
  cell('write', 'resetSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('write', "shutdown('send')", 'you', [PENDING], ['success'], [ALWAYS]),
  cell('write', "shutdown('receive')", 'you', [PENDING], ['success'], [ALWAYS]),
  cell('write', "shutdown('both')", 'you', [PENDING], ['success'], [ALWAYS]),
  cell('write', 'stopEventLoop', 'you', [CANCELLED], ['success'], [ALWAYS, 'CANCELLED']),
  cell('write', 'cancel()', 'you', [PENDING], ['success'], [ALWAYS]),
  cell('write', 'cancel(hard)', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS, 'CANCELLED']),
  cell('write', 'abort of its signal', 'you', [ABORTED], ['success', ABORTED], [ALWAYS, 'CANCELLED']),
  cell('write', 'timeout', 'you', [TIMED_OUT], ['success', TIMED_OUT], [ALWAYS, 'CANCELLED']),
  cell('write', 'FIN', 'the peer', [PENDING], ['success'], [ALWAYS]),
  cell('write', 'RST', 'the peer', [RESET], ['success', RESET], [ALWAYS, 'CONNECTION_RESET']),

  cell('sendFile', 'nothing', '', [PENDING], ['success'], [ALWAYS]),
  cell('sendFile', 'closeSocket', 'you', [CANCELLED], ['success'], [ALWAYS, 'CANCELLED']),
  cell('sendFile', 'resetSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('sendFile', "shutdown('send')", 'you', [PENDING], ['success'], [ALWAYS]),
  cell('sendFile', "shutdown('receive')", 'you', [PENDING], ['success'], [ALWAYS]),
  cell('sendFile', "shutdown('both')", 'you', [PENDING], ['success'], [ALWAYS]),
  cell('sendFile', 'stopEventLoop', 'you', [CANCELLED], ['success'], [ALWAYS, 'CANCELLED']),
  cell('sendFile', 'cancel()', 'you', [PENDING, TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS]),
  cell('sendFile', 'cancel(hard)', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS, 'CANCELLED']),
  cell('sendFile', 'abort of its signal', 'you', [ABORTED], ['success', ABORTED], [ALWAYS, 'CANCELLED']),
  cell('sendFile', 'timeout', 'you', [TIMED_OUT], ['success', TIMED_OUT], [ALWAYS, 'CANCELLED']),
  cell('sendFile', 'FIN', 'the peer', [PENDING], ['success'], [ALWAYS]),
  cell('sendFile', 'RST', 'the peer', [RESET], ['success', RESET], [ALWAYS, 'CONNECTION_RESET']),

  cell('connect', 'nothing', '', ['ETIMEDOUT Timeout'], ['success'], [ALWAYS, 'IO_TIMEOUT']),
  cell('connect', 'closeSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('connect', 'resetSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('connect', 'stopEventLoop', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('connect', 'cancel()', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS, 'CANCELLED']),
  cell('connect', 'abort of its signal', 'you', [ABORTED], ['success', ABORTED], [ALWAYS, 'CANCELLED']),
  cell('connect', 'timeout', 'you', [TIMED_OUT], ['success', TIMED_OUT], [ALWAYS, 'CANCELLED']),
  cell('connect', 'nobody listens', 'the peer', [REFUSED], ['success', REFUSED], [ALWAYS, 'CONNECTION_REFUSED']),
  cell('connect', 'no route', 'the network', ['EHOSTUNREACH HostUnreachable'], null, ['HOST_UNREACHABLE']),

  cell('accept', 'nothing', '', [PENDING], ['success'], [ALWAYS]),
  cell('accept', 'closeSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('accept', 'stopEventLoop', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('accept', 'cancel()', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS]),
  cell('accept', 'abort of its signal', 'you', [ABORTED], ['success', ABORTED], [ALWAYS]),
  cell('accept', 'timeout', 'you', [TIMED_OUT], ['success', TIMED_OUT], [ALWAYS]),
  cell('accept', 'RST', 'the peer', [PENDING], ['success'], [ALWAYS]),

  cell('receiveFrom', 'nothing', '', [PENDING], ['success'], [ALWAYS]),
  cell('receiveFrom', 'closeSocket', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('receiveFrom', 'stopEventLoop', 'you', [CANCELLED], ['success', CANCELLED], [ALWAYS, 'CANCELLED']),
  cell('receiveFrom', 'cancel()', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS]),
  cell('receiveFrom', 'abort of its signal', 'you', [ABORTED], ['success', ABORTED], [ALWAYS]),
  cell('receiveFrom', 'timeout', 'you', [TIMED_OUT], ['success', TIMED_OUT], [ALWAYS]),

  cell('sendTo', 'nothing', '', [PENDING], ['success'], [ALWAYS]),
  cell('sendTo', 'closeSocket', 'you', [CANCELLED], ['success'], [ALWAYS, 'CANCELLED']),
  cell('sendTo', 'stopEventLoop', 'you', [CANCELLED], ['success'], [ALWAYS, 'CANCELLED']),
  cell('sendTo', 'cancel()', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS, 'CANCELLED']),
  cell('sendTo', 'cancel(hard)', 'you', [TAKEN_BACK], ['success', TAKEN_BACK], [ALWAYS, 'CANCELLED']),
  cell('sendTo', 'abort of its signal', 'you', [ABORTED], ['success', ABORTED], [ALWAYS, 'CANCELLED']),
  cell('sendTo', 'timeout', 'you', [TIMED_OUT], ['success', TIMED_OUT], [ALWAYS, 'CANCELLED']),
];

function cell(
  operation: OperationName,
  event: EventName,
  by: Cell['by'],
  alone: readonly Outcome[],
  racing: readonly Outcome[] | null,
  statuses: readonly string[],
): Cell {
  return { operation, event, by, alone, racing, statuses };
}

const WORDS: Readonly<Record<Outcome, string>> = {
  success: 'success',
  end: '0 bytes, no error',
  'still pending': 'nothing yet',
  [CANCELLED]: '`ECANCELED`, ConnectionClosed',
  [TAKEN_BACK]: '`ECANCELED`, Interrupted',
  [ABORTED]: '`ABORT_ERR`, Interrupted',
  [RESET]: '`ECONNRESET`, ConnectionReset',
  [REFUSED]: '`ECONNREFUSED`, ConnectionRefused',
  [TIMED_OUT]: '`ETIMEDOUT`, Timeout',
  'EHOSTUNREACH HostUnreachable': '`EHOSTUNREACH`, HostUnreachable',
};

/** The cells of docs/errors.md's table, row by row. */
export function outcomeRows(): string[][] {
  return OUTCOMES.map(({ operation, event, by, alone, racing, statuses }) => [
    operation,
    event.includes('(') || event.endsWith('Socket') || event.endsWith('Loop') ? `\`${event}\`` : event,
    by,
    alone.map((outcome) => WORDS[outcome]).join(' or '),
    racing === null ? '' : racing.map((outcome) => WORDS[outcome]).join(' or '),
    statuses.map((status) => `\`STATUS_${status}\``).join(', '),
  ]);
}
