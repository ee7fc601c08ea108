import { expect } from 'chai';
import { NetworkError, NetworkErrorCode } from '../../src/index.ts';
import { argumentError } from '../../src/pal/network-error.ts';

describe('NetworkError', () => {
  const error = new NetworkError('read ECONNRESET', {
    kind: NetworkErrorCode.ConnectionReset,
    code: 'ECONNRESET',
    systemErrorCode: 10054,
    errno: -4077,
    syscall: 'WSARecv',
    address: '127.0.0.1',
    port: 80,
  });

  it("has the shape of Node's system errors, and its kind", () => {
    expect(error).to.be.instanceOf(Error).and.to.be.instanceOf(NetworkError);
    expect(error).to.include({ name: 'NetworkError', message: 'read ECONNRESET', kind: 206, code: 'ECONNRESET' });
    expect(error).to.include({ systemErrorCode: 10054, errno: -4077, syscall: 'WSARecv' });
    expect(error).to.include({ address: '127.0.0.1', port: 80 });
    expect(String(error)).to.equal('NetworkError: read ECONNRESET');
    expect(error.stack).to.include('network-error.test');
  });

  it('leaves undefined what it does not know', () => {
    const bare = new NetworkError('x', { kind: NetworkErrorCode.Unknown, code: 'UNKNOWN' });
    for (const name of ['systemErrorCode', 'errno', 'syscall', 'address', 'port'] as const) {
      expect(bare[name], name).to.equal(undefined);
    }
  });

  it('is an instance of the class of every copy of the library, and of no class that extends it', () => {
    class Extended extends NetworkError {}
    const details = { kind: NetworkErrorCode.Unknown, code: 'UNKNOWN' };
    expect(new Extended('Extended', details)).to.be.an.instanceOf(Extended).and.an.instanceOf(NetworkError);
    expect(new NetworkError('plain', details)).to.not.be.an.instanceOf(Extended);
    const ofAnotherCopy = Object.create({ [Symbol.for('iocp-pal.NetworkError')]: true }) as unknown;
    expect(ofAnotherCopy instanceof NetworkError).to.equal(true);
    for (const other of [new Error('no'), null, undefined, 'text', {}]) {
      expect(other instanceof NetworkError).to.equal(false);
    }
  });
});

describe('NetworkErrorCode', () => {
  it('has the numbers of the first interface, which never change', () => {
    expect(NetworkErrorCode).to.deep.equal({
      Success: 0,
      Unknown: 1,
      InitializationFailed: 100,
      AlreadyInitialized: 101,
      NotInitialized: 102,
      SocketCreationFailed: 200,
      BindFailed: 201,
      ListenFailed: 202,
      AcceptFailed: 203,
      ConnectFailed: 204,
      ConnectionFailed: 205,
      ConnectionReset: 206,
      ConnectionRefused: 207,
      ConnectionClosed: 208,
      ReadFailed: 300,
      WriteFailed: 301,
      WouldBlock: 302,
      Timeout: 303,
      Interrupted: 304,
      AddressInUse: 400,
      AddressNotAvailable: 401,
      InvalidAddress: 402,
      HostUnreachable: 403,
      NetworkUnreachable: 404,
      TooManyOpenFiles: 500,
      OutOfMemory: 501,
      ResourceExhausted: 502,
      PermissionDenied: 600,
      EventLoopError: 700,
    });
  });
});

describe('argumentError', () => {
  it('is the class that was asked for, with a code', () => {
    const error = argumentError(RangeError, 'ERR_OUT_OF_RANGE', 'text');
    expect(error).to.be.instanceOf(RangeError).and.to.include({ code: 'ERR_OUT_OF_RANGE', message: 'text' });
  });
});
