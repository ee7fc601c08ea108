/** The error table: operation × system code, one assertion per cell. */
import { expect } from 'chai';
import { Win32Error } from '../../ffi/check.ts';
import { NtStatus, ntStatusToWinsockError, type NtStatusName } from '../../ffi/ntstatus.ts';
import { describeSystemError } from '../../ffi/system-error.ts';
import { NetworkError, NetworkErrorCode } from '../../src/index.ts';
import {
  bufferDetached,
  connectionClosed,
  endpointText,
  FALLBACK_KIND,
  fileHandleClosed,
  fromWin32Error,
  kindOf,
  outOfSlots,
  queueFull,
  queuesFull,
  streamTruncated,
  systemError,
  tooManySockets,
  writeAfterEnd,
  type OperationName,
} from '../../src/util/errors.ts';

type KindName = keyof typeof NetworkErrorCode;

/** Codes that mean the same in every operation: code, word, kind. */
const SAME_EVERYWHERE: [number, string, KindName][] = [
  [10054, 'ECONNRESET', 'ConnectionReset'],
  [64, 'ECONNRESET', 'ConnectionReset'],
  [10052, 'ENETRESET', 'ConnectionReset'],
  [10053, 'ECONNABORTED', 'ConnectionReset'],
  [1236, 'ECONNABORTED', 'ConnectionReset'],
  [10061, 'ECONNREFUSED', 'ConnectionRefused'],
  [1225, 'ECONNREFUSED', 'ConnectionRefused'],
  [1234, 'ECONNREFUSED', 'ConnectionRefused'],
  [10060, 'ETIMEDOUT', 'Timeout'],
  [121, 'ETIMEDOUT', 'Timeout'],
  [10004, 'ECANCELED', 'Interrupted'],
  [995, 'ECANCELED', 'Interrupted'],
  [10035, 'EAGAIN', 'WouldBlock'],
  [10048, 'EADDRINUSE', 'AddressInUse'],
  [10049, 'EADDRNOTAVAIL', 'AddressNotAvailable'],
  [10047, 'EAFNOSUPPORT', 'InvalidAddress'],
  [10065, 'EHOSTUNREACH', 'HostUnreachable'],
  [10064, 'EHOSTDOWN', 'HostUnreachable'],
  [1232, 'EHOSTUNREACH', 'HostUnreachable'],
  [10051, 'ENETUNREACH', 'NetworkUnreachable'],
  [10050, 'ENETDOWN', 'NetworkUnreachable'],
  [1231, 'ENETUNREACH', 'NetworkUnreachable'],
  [10024, 'EMFILE', 'TooManyOpenFiles'],
  [4, 'EMFILE', 'TooManyOpenFiles'],
  [8, 'ENOMEM', 'OutOfMemory'],
  [14, 'ENOMEM', 'OutOfMemory'],
  [10055, 'ENOBUFS', 'ResourceExhausted'],
  [10013, 'EACCES', 'PermissionDenied'],
  [5, 'EPERM', 'PermissionDenied'],
];

/** Codes with no meaning of their own: the operation decides. */
const DECIDED_BY_OPERATION: [number, string][] = [
  [10057, 'ENOTCONN'],
  [10058, 'EPIPE'],
  [10022, 'EINVAL'],
  [10014, 'EFAULT'],
  [10038, 'ENOTSOCK'],
  [10040, 'EMSGSIZE'],
  [10042, 'ENOPROTOOPT'],
  [10045, 'ENOTSUP'],
  [10056, 'EISCONN'],
  [10093, 'WSANOTINITIALISED'],
  [6, 'EBADF'],
  [87, 'EINVAL'],
  [676, 'ECONNABORTED'],
  [31, 'EIO'],
  [0, 'UNKNOWN'],
  [99999, 'UNKNOWN'],
];

const FALLBACKS: Record<OperationName, KindName> = {
  read: 'ReadFailed',
  write: 'WriteFailed',
  sendFile: 'WriteFailed',
  drain: 'WriteFailed',
  receive: 'ReadFailed',
  send: 'WriteFailed',
  accept: 'AcceptFailed',
  connect: 'ConnectFailed',
  socket: 'SocketCreationFailed',
  bind: 'BindFailed',
  listen: 'ListenFailed',
  initialize: 'InitializationFailed',
  option: 'Unknown',
  address: 'Unknown',
  shutdown: 'Unknown',
  watch: 'ConnectionFailed',
  loop: 'EventLoopError',
};
const operations = Object.keys(FALLBACKS) as OperationName[];

function expectCell(operation: OperationName, code: number, word: string, kind: KindName): void {
  const what = `${operation} ${code}`;
  const error = systemError(operation, 'TheCall', code, { address: '127.0.0.1', port: 80 });
  expect(kindOf(operation, code), what).to.equal(NetworkErrorCode[kind]);
  expect(error, what).to.be.instanceOf(NetworkError);
  expect(error, what).to.include({ code: word, kind: NetworkErrorCode[kind], systemErrorCode: code });
  expect(error, what).to.include({ syscall: 'TheCall', address: '127.0.0.1', port: 80 });
  expect(error.message, what).to.match(
    new RegExp(`^${operation} ${word} 127\\.0\\.0\\.1:80: .+ \\(TheCall, ${code}\\)$`),
  );
}

describe('the error table', () => {
  it('has every operation', () => {
    expect(Object.keys(FALLBACK_KIND).sort()).to.deep.equal([...operations].sort());
  });

  for (const operation of operations) {
    describe(operation, () => {
      for (const [code, word, kind] of SAME_EVERYWHERE) {
        // libuv and asio call it a reset too, and users test for that word.
        const meant = operation === 'read' && code === 10053 ? 'ECONNRESET' : word;
        it(`${code} is ${kind}, ${meant}`, () => {
          expectCell(operation, code, meant, kind);
        });
      }
      for (const [code, word] of DECIDED_BY_OPERATION) {
        it(`${code} is ${FALLBACKS[operation]}, ${word}`, () => {
          expectCell(operation, code, word, FALLBACKS[operation]);
        });
      }
    });
  }

  it('covers every status that a packet can carry, for each kind of packet', () => {
    for (const name of Object.keys(NtStatus) as NtStatusName[]) {
      const code = ntStatusToWinsockError(NtStatus[name]);
      if (code === 0) continue;
      for (const operation of ['read', 'write', 'accept', 'connect'] as const) {
        const error = systemError(operation, 'call', code);
        expect(error.kind, `${operation} ${name}`).to.not.equal(NetworkErrorCode.Success);
        expect(error.kind, `${operation} ${name}`).to.not.equal(NetworkErrorCode.Unknown);
        expect(error.code, `${operation} ${name}`).to.not.equal('UNKNOWN');
      }
    }
  });

  it('knows what a broken connection looks like in a packet', () => {
    // A reset by the peer, a dead link, a local abort, and what Wine says of closed handles.
    for (const status of [
      'STATUS_CONNECTION_RESET',
      'STATUS_CONNECTION_DISCONNECTED',
      'STATUS_CONNECTION_ABORTED',
    ] as const) {
      const error = systemError('read', 'WSARecv', ntStatusToWinsockError(NtStatus[status]));
      expect(error, status).to.include({ code: 'ECONNRESET', kind: NetworkErrorCode.ConnectionReset });
    }
    const refused = systemError('connect', 'ConnectEx', ntStatusToWinsockError(NtStatus.STATUS_CONNECTION_REFUSED));
    expect(refused).to.include({ code: 'ECONNREFUSED', kind: NetworkErrorCode.ConnectionRefused });
  });

  it("takes number and text from the process's own libuv", () => {
    const error = systemError('read', 'WSARecv', 10054);
    expect(error.errno).to.equal(describeSystemError(10054).errno);
    expect(error.message).to.include(describeSystemError(10054).message);
  });
});

describe('fromWin32Error', () => {
  it('turns a Win32Error into a NetworkError with its syscall', () => {
    const error = fromWin32Error('bind', new Win32Error('bind', 10048), { address: '::1', port: 80 });
    expect(error).to.be.instanceOf(NetworkError);
    expect(error).to.include({ code: 'EADDRINUSE', syscall: 'bind', systemErrorCode: 10048 });
    expect((error as Error).message).to.include('[::1]:80');
  });

  it('lets everything else through', () => {
    const other = new RangeError('other');
    expect(fromWin32Error('bind', other)).to.equal(other);
  });
});

describe('errors of our own', () => {
  const rows: [string, NetworkError, string, KindName, RegExp][] = [
    ['closed', connectionClosed('read'), 'ECANCELED', 'ConnectionClosed', /closed before the read completed/],
    ['detached read', bufferDetached('read', 10, 0), 'ERR_BUFFER_DETACHED', 'ReadFailed', /until the callback/],
    ['detached write', bufferDetached('write', 10, 0), 'ERR_BUFFER_DETACHED', 'WriteFailed', /until the callback/],
    ['write after end', writeAfterEnd('write'), 'EPIPE', 'WriteFailed', /^write EPIPE: shutdown\('send'\)/],
    ['file after end', writeAfterEnd('sendFile'), 'EPIPE', 'WriteFailed', /^sendFile EPIPE: shutdown\('send'\)/],
    [
      'file behind a truncated write',
      streamTruncated('sendFile'),
      'EPIPE',
      'WriteFailed',
      /^sendFile EPIPE: an earlier write/,
    ],
    ['closed FileHandle', fileHandleClosed(), 'EBADF', 'WriteFailed', /Keep it open until the callback/],
    ['slots', outOfSlots(16), 'ERR_TOO_MANY_OPERATIONS', 'ResourceExhausted', /all 16 .* Raise maxOperations/],
    ['queue', queueFull(5, 6, 10), 'ERR_WRITE_QUEUE_FULL', 'ResourceExhausted', /6 more bytes: 5 of at most 10/],
    ['queues', queuesFull(5, 6, 10), 'ERR_WRITE_QUEUES_FULL', 'ResourceExhausted', /5 of at most 10 .* all sockets/],
    ['sockets', tooManySockets(9), 'EMFILE', 'TooManyOpenFiles', /9 are open .* Close some/],
  ];
  for (const [what, error, code, kind, message] of rows) {
    it(`${what}: ${code}`, () => {
      expect(error).to.be.instanceOf(NetworkError).and.to.include({ code, kind: NetworkErrorCode[kind] });
      expect(error.message).to.match(message);
      expect(error.systemErrorCode, 'no system call failed').to.equal(undefined);
    });
  }
});

describe('endpointText', () => {
  it('puts IPv6 into brackets', () => {
    expect(endpointText('1.2.3.4', 80)).to.equal('1.2.3.4:80');
    expect(endpointText('::1', 80)).to.equal('[::1]:80');
    expect(endpointText('::1', undefined)).to.equal('[::1]');
  });
});
