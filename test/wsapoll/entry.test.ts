/** iocp-pal/wsapoll is an entry of its own: who does not import it does not load it, and it brings no second PAL. */
import { expect } from 'chai';
import { build } from 'esbuild';
import path from 'node:path';
import { root } from '../../scripts/paths.mjs';
import { createNetworkPal, NetworkError, NetworkErrorCode } from '../../src/index.ts';
import { simulatePlatform } from '../../src/sim/index.ts';
import { wsapoll } from '../../src/wsapoll/index.ts';
import { Win32Error } from '../../ffi/check.ts';
import { thrownBy } from '../support/errors.ts';

/** The files that a bundle of an entry is made of. */
async function filesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [path.join('src', entry)],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    treeShaking: false,
    logLevel: 'silent',
  });
  return Object.keys(metafile.inputs);
}

describe('the entry iocp-pal/wsapoll', () => {
  it('is not part of iocp-pal', async () => {
    const files = await filesOf('index.ts');
    expect(files).to.include('src/overlapped/overlapped-transport.ts');
    expect(files.filter((file) => file.startsWith('src/wsapoll/'))).to.deep.equal([]);
  });

  it('holds the backend alone', async () => {
    const files = await filesOf('wsapoll/index.ts');
    expect(files).to.include.members(['src/wsapoll/poll-set.ts', 'src/wsapoll/poll-waiter.ts']);
    const elsewhere = /^src\/(api|runtime|overlapped|windows|loop|tcp|udp|sim)\/|^ffi\/(koffi|tables|memory)\.ts$/;
    expect(files.filter((file) => elsewhere.test(file))).to.deep.equal([]);
  });

  it("knows its copy's errors by their name, since each entry has one as CommonJS", () => {
    const copy = Object.assign(new Error('of another copy'), { name: 'Win32Error', systemErrorCode: 5 });
    expect(copy).to.be.instanceOf(Win32Error);
    for (const other of [new Error('no'), null, undefined, 5]) expect(other).to.not.be.instanceOf(Win32Error);
  });

  it('is refused by a platform that has completion ports only', () => {
    const platform = simulatePlatform();
    for (const waiter of ['worker', 'inline'] as const) {
      const error = thrownBy(() => createNetworkPal({ platform, backend: wsapoll, waiter }).initialize());
      expect(error).to.be.instanceOf(NetworkError);
      expect(error).to.include({
        code: 'ERR_UNSUPPORTED_BACKEND',
        kind: NetworkErrorCode.InitializationFailed,
      });
      expect([platform.openHandles, platform.memory.regions]).to.deep.equal([0, 0]);
    }
  });

  for (const backend of ['wsapoll', 'iocp', null, 5, {}, { open: 'wsapoll' }]) {
    it(`is not named: the backend ${JSON.stringify(backend)} is refused, with the way out`, () => {
      const error = thrownBy(() => createNetworkPal({ backend: backend as never }));
      expect(error).to.be.instanceOf(TypeError).and.to.include({ code: 'ERR_INVALID_ARG_VALUE' });
      expect(error.message).to.match(/^Cannot use backend: it must be wsapoll of 'iocp-pal\/wsapoll', or be left out/);
    });
  }
});
