/** One clear error where the library cannot work. */
import process from 'node:process';
import { expect } from 'chai';
import { createNetworkPal, NetworkError, NetworkErrorCode } from '../../src/index.ts';
import { checkHost } from '../../src/windows/windows-platform.ts';
import { thrownBy } from '../support/errors.ts';

describe('checkHost', () => {
  for (const arch of ['x64', 'arm64']) {
    it(`accepts Windows on ${arch}`, () => {
      expect(() => checkHost({ platform: 'win32', arch })).to.not.throw();
    });
  }

  for (const platform of ['linux', 'darwin', 'freebsd']) {
    it(`refuses ${platform}, and says what works there`, () => {
      const error = thrownBy(() => checkHost({ platform, arch: 'x64' }));
      expect(error).to.be.instanceOf(NetworkError);
      expect(error).to.include({ code: 'ERR_UNSUPPORTED_PLATFORM', kind: NetworkErrorCode.InitializationFailed });
      expect(error.message).to.include(platform).and.to.include('iocp-pal/sim');
    });
  }

  it('refuses a 32-bit process, and says what to install', () => {
    const error = thrownBy(() => checkHost({ platform: 'win32', arch: 'ia32' }));
    expect(error).to.include({ code: 'ERR_UNSUPPORTED_PLATFORM', kind: NetworkErrorCode.InitializationFailed });
    expect(error.message).to.match(/ia32 process.* Install the x64 or arm64 Node/);
  });

  it('is asked by initialize() and not before', function () {
    if (process.platform === 'win32') this.skip();
    const pal = createNetworkPal();
    expect(thrownBy(() => pal.initialize()).code).to.equal('ERR_UNSUPPORTED_PLATFORM');
    expect(thrownBy(() => pal.runEventLoop()).code, 'a failed initialize() does not count').to.equal(
      'ERR_NOT_INITIALIZED',
    );
  });
});
