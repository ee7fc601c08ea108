/** asyncSendFile on real files: which calls it makes, what it does without TransmitFile, and files that are not ordinary. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdtempSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { INVALID_HANDLE_VALUE, SIO_GET_EXTENSION_FUNCTION_POINTER } from '../../ffi/constants.ts';
import { WSAID } from '../../ffi/mswsock.ts';
import { WSAEINVAL, WSAEOPNOTSUPP } from '../../ffi/wsa-errors.ts';
import type { Platform, NetworkPal, SendFileOptions } from '../../src/index.ts';
import { TRANSMIT_BYTES } from '../../src/memory/transmit-buffers.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';
import { iocpSkipping, iocpWorker } from '../support/beds.ts';
import { seededBytes } from '../support/bytes.ts';
import { withCalls, type ObservedPlatform, type Overrides } from '../support/calls.ts';
import { rejectionOf } from '../support/errors.ts';
import { pair, readExactly, sendFile } from '../support/io.ts';
import { viewAt } from '../support/native.ts';
import { sharedPal, testPal } from '../support/pal-fixture.ts';
import { underWine } from '../support/wine.ts';
import { remove } from '../../scripts/remove.mjs';

const MIB = 1024 * 1024;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('asyncSendFile on Windows', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-'));
  });
  after(() => {
    remove(folder);
  });

  function put(name: string, content: Uint8Array): string {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
  }

  /** Sends and compares. */
  async function transfer(
    pal: NetworkPal,
    file: Parameters<NetworkPal['asyncSendFile']>[1],
    options: SendFileOptions,
    expected: Uint8Array,
  ): Promise<void> {
    const { client, served } = await pair(pal);
    const [arrived, sent] = await Promise.all([
      readExactly(pal, served, expected.length),
      sendFile(pal, client, file, options),
    ]);
    expect(sent).to.equal(expected.length);
    expect(digest(arrived)).to.equal(digest(expected));
  }

  describe('an ordinary file', () => {
    for (const bed of [iocpWorker, iocpSkipping]) {
      describe(bed.name, () => {
        const fixture = testPal(bed);

        it('goes out in pieces of 1 MiB, the head with the first of them, the tail behind the last', async () => {
          const { pal } = fixture;
          const content = seededBytes(20 * MIB);
          const file = put('20-mib', content);
          const [head, tail] = [Buffer.from('head'), Buffer.from('tail')];
          const [offset, length] = [12_345, 17 * MIB + 1];
          const expected = Buffer.concat([head, content.subarray(offset, offset + length), tail]);
          await transfer(pal, file, { offset, length, head, tail }, expected);
          const { syscalls: calls, bytesSent } = pal.stats();
          expect(calls).to.include({ TransmitFile: Math.ceil(length / TRANSMIT_BYTES), WSASend: 1 });
          expect(bytesSent).to.equal(expected.length);
        });
      });
    }
  });

  describe('any file', () => {
    const fixture = sharedPal(iocpSkipping);

    it('is sent from beyond 2^31', async function () {
      const { pal } = fixture;
      const file = path.join(folder, 'sparse');
      const content = seededBytes(3 * MIB);
      const start = 2 ** 32 + 2 ** 31 + 7;
      const fd = openSync(file, 'w');
      // NTFS writes zeros up to where a file is written first, six gigabytes of them, unless the file is sparse.
      if (!makeSparse(file)) {
        closeSync(fd);
        this.test!.title += ' (skipped: the file system of the temporary folder has no sparse files)';
        return this.skip();
      }
      writeSync(fd, content, 0, content.length, start);
      closeSync(fd);
      await transfer(pal, file, { offset: start }, content);
      await transfer(pal, file, { offset: start, transmitFile: false }, content);
      // Across the boundary of the offset's lower half.
      const zeros = new Uint8Array(100_000);
      await transfer(pal, file, { offset: 2 ** 32 - 50_000, length: zeros.length }, zeros);
      remove(file);
    });

    it('may be a file: URL', async () => {
      const content = seededBytes(1000);
      await transfer(fixture.pal, pathToFileURL(put('with space', content)), {}, content);
    });

    it('may be a descriptor or a FileHandle, which stays open', async () => {
      const { pal } = fixture;
      const content = seededBytes(2 * MIB);
      const handle = await open(put('handle', content));
      for (const transmitFile of [true, false]) {
        await transfer(pal, handle, { transmitFile }, content);
        await transfer(pal, handle.fd, { offset: 5, transmitFile }, content.subarray(5));
      }
      expect(fstatSync(handle.fd).size).to.equal(content.length);
      expect(pal.stats().openFiles).to.equal(0);
      await handle.close();
      const { client } = await pair(pal);
      expect(await rejectionOf(sendFile(pal, client, 2000))).to.include({ code: 'EBADF' });
    });

    it('is open only while it is its turn', async () => {
      const { pal } = fixture;
      const { client, served } = await pair(pal);
      const content = seededBytes(300_000);
      const file = put('turns', content);
      let most = 0;
      const onProgress = (): number => (most = Math.max(most, pal.stats().openFiles));
      const all = Promise.all(Array.from({ length: 10 }, () => sendFile(pal, client, file, { onProgress })));
      await readExactly(pal, served, 10 * content.length);
      await all;
      expect(most).to.be.at.most(1);
      expect(pal.stats().openFiles).to.equal(0);
    });

    it('is refused in the words of node:fs when it is a folder', async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      expect((await rejectionOf(sendFile(pal, client, folder))).code).to.be.oneOf(['EISDIR', 'EPERM', 'EACCES']);
    });

    it('may be a pipe, which is sent to its end', async () => {
      const { pal } = fixture;
      const name = `\\\\.\\pipe\\iocp-pal-${process.pid}`;
      const content = seededBytes(500_000);
      const writer = createServer((stream) => stream.end(content));
      await new Promise<void>((resolve) => writer.listen(name, resolve));
      const totals: number[] = [];
      const onProgress = (_bytesSent: number, bytesTotal: number): unknown => totals.push(bytesTotal);
      await transfer(pal, name, { head: Buffer.from('h'), onProgress }, Buffer.concat([Buffer.from('h'), content]));
      expect(totals[0]).to.be.NaN;
      await new Promise((resolve) => writer.close(resolve));
    });
  });

  const without: Record<string, (platform: Platform) => Platform> = {
    'the provider has no TransmitFile': (platform) => observed(platform, { WSAIoctl: refuseTransmitFile }),
    'TransmitFile refuses the file': (platform) =>
      observed(platform, { TransmitFile: ({ fail }) => fail(WSAEOPNOTSUPP, 0) }),
    'the HANDLE cannot be had': (platform) => ({
      ...platform,
      files: { ...platform.files!, handleOf: () => INVALID_HANDLE_VALUE },
    }),
  };
  for (const [reason, makePlatform] of Object.entries(without)) {
    describe(`where ${reason}`, () => {
      const fixture = testPal(iocpSkipping, () => ({ platform: makePlatform(windowsPlatform()) }));

      it('is read and sent', async () => {
        const { pal } = fixture;
        const content = seededBytes(3 * MIB);
        const head = Buffer.from('head');
        await transfer(pal, put('read', content), { head }, Buffer.concat([head, content]));
        expect(pal.stats().syscalls['WSASend']).to.be.above(11);
        expect(pal.stats().syscalls['TransmitFile']).to.be.at.most(1);
      });
    });
  }
});

/** Returns false where the file system cannot. Wine's fsutil cannot either, but below it lies a file system that needs no telling. */
function makeSparse(file: string): boolean {
  return underWine || spawnSync('fsutil', ['sparse', 'setflag', file], { stdio: 'ignore' }).status === 0;
}

function observed(platform: Platform, overrides: Overrides): ObservedPlatform {
  return withCalls(platform, overrides);
}

function refuseTransmitFile({ args, real, fail }: Parameters<NonNullable<Overrides[string]>>[0]): number {
  const [, code, input = 0] = args;
  if (code !== SIO_GET_EXTENSION_FUNCTION_POINTER) return real();
  const first = viewAt(input, 4).getUint32(0, true).toString(16);
  return WSAID.TransmitFile.startsWith(first) ? fail(WSAEINVAL) : real();
}
