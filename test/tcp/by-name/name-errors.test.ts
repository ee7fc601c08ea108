/** What is told when a name leads nowhere. */
import { expect } from 'chai';
import { runInNewContext } from 'node:vm';
import { NetworkErrorCode } from '../../../src/index.ts';
import { notResolved } from '../../../src/tcp/by-name/name-errors.ts';

const DESTINATION = { name: 'host.test', port: 80 };

describe('the error for a name that was not resolved', () => {
  it("has the resolver's code, number and call", () => {
    const cause = Object.assign(new Error('no'), { code: 'EAI_AGAIN', errno: -3001, syscall: 'getaddrinfo' });
    const error = notResolved(DESTINATION, cause);
    expect(error).to.include({ code: 'EAI_AGAIN', errno: -3001, syscall: 'getaddrinfo', cause });
    expect(error.kind).to.equal(NetworkErrorCode.HostUnreachable);
  });

  it('says in a word of its own that the lookup function was aborted: the code of a DOMException is a number', () => {
    const cause = new DOMException('The operation was aborted', 'AbortError');
    expect(cause.code).to.equal(20);
    const error = notResolved(DESTINATION, cause);
    expect(error).to.include({ code: 'ERR_LOOKUP_FAILED', syscall: 'lookup', cause });
    expect(error.errno).to.equal(undefined);
    expect(error.message).to.include('ERR_LOOKUP_FAILED').and.include('The operation was aborted');
  });

  it("has what a resolver of another realm says, as a test's in jest is", () => {
    const cause: unknown = runInNewContext("Object.assign(new Error('no such host'), { code: 'ENOTFOUND' })");
    const error = notResolved(DESTINATION, cause);
    expect(error).to.include({ code: 'ENOTFOUND', kind: NetworkErrorCode.InvalidAddress, cause });
    expect(error.message).to.include('no such host');
  });

  it('takes what was thrown that is no error', () => {
    for (const cause of [7, 'no', Symbol('no'), { code: 'ENOTFOUND' }]) {
      expect(notResolved(DESTINATION, cause)).to.include({ code: 'ERR_LOOKUP_FAILED', cause });
    }
  });

  it('says that nobody knows the name', () => {
    expect(notResolved(DESTINATION, undefined)).to.include({
      code: 'ENOTFOUND',
      kind: NetworkErrorCode.InvalidAddress,
    });
  });
});
