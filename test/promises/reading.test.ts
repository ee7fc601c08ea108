/** Reading so many bytes, up to a delimiter, and by lines; and what becomes of bytes that had come when such a call fails. */
import { expect } from 'chai';
import { NetworkErrorCode } from '../../src/index.ts';
import type { Connection } from '../../src/promises/index.ts';
import { connected, failureOf, onEveryNetwork } from '../support/networks.ts';

/** Calls that need more than one byte, each as it is when the peer never sends what ends it. */
const WAITING: Readonly<Record<string, (from: Connection, options: object) => Promise<unknown>>> = {
  'readExactly(n)': (from, options) => from.readExactly(100, options),
  'readExactly(buffer)': (from, options) => from.readExactly(Buffer.alloc(100), options),
  readUntil: (from, options) => from.readUntil('\r\n', options),
  lines: (from, options) => from.lines(options).next(),
};

onEveryNetwork('promises: reading', (fixture) => {
  /** What is sent on the connection of `test`, whose sides are closed behind it. */
  async function served(test: (from: Connection, to: Connection) => Promise<void>): Promise<void> {
    const { server, client, served: from } = await connected(fixture);
    await test(from, client);
    await Promise.all([client.close(), from.close(), server.close()]);
  }

  it('readExactly takes so many bytes and leaves the others', () =>
    served(async (from, to) => {
      await to.write('abcdefgh');
      expect(String(await from.readExactly(3))).to.equal('abc');
      const buffer = Buffer.alloc(4);
      const filled = await from.readExactly(buffer.subarray(1));
      expect(filled?.buffer, 'the same memory').to.equal(buffer.buffer);
      expect(buffer.toString()).to.equal('\0def');
      await to.closeWrite();
      expect((await failureOf(from.readExactly(3))).code).to.equal('ERR_UNEXPECTED_END');
      expect(String(await from.readExactly(2)), 'what had come is left').to.equal('gh');
      expect(await from.readExactly(3)).to.equal(null);
    }));

  it('readExactly waits until the last byte has come', () =>
    served(async (from, to) => {
      const reading = from.readExactly(5);
      for (const letter of 'hello') {
        await to.write(letter);
        await new Promise(setImmediate);
      }
      expect(String(await reading)).to.equal('hello');
    }));

  it('readUntil ends with the delimiter, also one that comes in pieces', () =>
    served(async (from, to) => {
      const reading = from.readUntil(Buffer.from('--end--'));
      for (const piece of ['a--en', 'b--', 'end', '--rest']) {
        await to.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      expect(String(await reading)).to.equal('a--enb--end--');
      await to.write('\n');
      expect(String(await from.readUntil('\n'))).to.equal('rest\n');
      await to.write('no end');
      await to.closeWrite();
      expect((await failureOf(from.readUntil('\n'))).code).to.equal('ERR_UNEXPECTED_END');
      expect(String(await from.readExactly(6)), 'what had come is left').to.equal('no end');
      expect(await from.readUntil('\n')).to.equal(null);
    }));

  it('readUntil counts the delimiter into its limit, and leaves everything when that is reached', () =>
    served(async (from, to) => {
      await to.write('1234\n');
      expect(String(await from.readUntil('\n', { limit: 5 }))).to.equal('1234\n');
      await to.write('12345\n');
      const { code, kind } = await failureOf(from.readUntil('\n', { limit: 5 }));
      expect({ code, kind }).to.deep.equal({ code: 'ERR_LIMIT_REACHED', kind: NetworkErrorCode.ReadFailed });
      expect(String(await from.readUntil('\n', { limit: 6 }))).to.equal('12345\n');
    }));

  it('lines are text without their ends', () =>
    served(async (from, to) => {
      const sent = Buffer.from('first\r\n\nzweite Zeile: äöü €\nwith a \r in it\r\n\r\nlast');
      const sending = (async () => {
        // Also in the middle of a character, and between CR and LF.
        for (let at = 0; at < sent.length; at += 6) await to.write(sent.subarray(at, at + 6));
        await to.closeWrite();
      })();
      const lines: string[] = [];
      for await (const line of from.lines()) lines.push(line);
      expect(lines).to.deep.equal(['first', '', 'zweite Zeile: äöü €', 'with a \r in it', '', 'last']);
      await sending;
    }));

  it('a loop over lines that is left early closes the connection', () =>
    served(async (from, to) => {
      await to.write('a\nb\n');
      for await (const line of from.lines()) if (line === 'a') break;
      expect(from.isClosed).to.equal(true);
    }));

  it('a line that is too long ends the loop, and leaves its bytes and the connection', () =>
    served(async (from, to) => {
      await to.write('ok\nmuch too long\n');
      const lines: string[] = [];
      const error = await failureOf(
        (async () => {
          for await (const line of from.lines({ limit: 5 })) lines.push(line);
        })(),
      );
      expect([error.code, lines]).to.deep.equal(['ERR_LIMIT_REACHED', ['ok']]);
      expect(from.isClosed).to.equal(false);
      expect(String(await from.readUntil('\n'))).to.equal('much too long\n');
    }));

  for (const [name, wait] of Object.entries(WAITING)) {
    it(`${name} that times out gives what had come to the next read`, () =>
      served(async (from, to) => {
        await to.write('part');
        const { code, kind } = await failureOf(wait(from, { timeout: 20 }));
        expect({ code, kind }).to.deep.equal({ code: 'ETIMEDOUT', kind: NetworkErrorCode.Timeout });
        await to.write('ial\n');
        expect(String(await from.readUntil('\n'))).to.equal('partial\n');
      }));

    it(`${name} has one deadline, however often something comes`, () =>
      served(async (from, to) => {
        const drip = { done: false };
        let sent = 0;
        // Never a pause that is longer than the timeout.
        const dripping = (async () => {
          for (; !drip.done && sent < 99; sent++) {
            await to.write('.');
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
        })();
        const error = await failureOf(wait(from, { timeout: 100 }));
        expect(sent, 'it ended while something still came').to.be.below(99);
        drip.done = true;
        await dripping;
        expect(error.code).to.equal('ETIMEDOUT');
        if (sent > 0) expect(String(await from.readExactly(sent))).to.equal('.'.repeat(sent));
      }));

    it(`${name} that is aborted gives what had come to the next read`, () =>
      served(async (from, to) => {
        const controller = new AbortController();
        const waiting = failureOf(wait(from, { signal: controller.signal }));
        await to.write('part');
        await new Promise((resolve) => setTimeout(resolve, 5));
        controller.abort(new Error('enough'));
        const { code, cause } = await waiting;
        expect([code, (cause as Error).message]).to.deep.equal(['ABORT_ERR', 'enough']);
        const again = await failureOf(wait(from, { signal: controller.signal }));
        expect(again.code, 'a signal that is aborted already').to.equal('ABORT_ERR');
        await to.write('ial\n');
        expect(String(await from.readUntil('\n'))).to.equal('partial\n');
      }));

    it(`${name} that fails with the connection gives what had come to the next read`, () =>
      served(async (from, to) => {
        await to.write('part');
        expect(String(await from.readExactly(1))).to.equal('p');
        const waiting = failureOf(wait(from, {}));
        await new Promise((resolve) => setTimeout(resolve, 5));
        await to.reset();
        expect((await waiting).code).to.equal('ECONNRESET');
        // Whether a reset overtakes the bytes in front of it is the system's matter: but none of them in the middle is lost.
        const left = await from.readExactly(3).then(String, (error: unknown) => (error as NodeJS.ErrnoException).code);
        expect(left).to.be.oneOf(['art', 'ECONNRESET', 'ECONNABORTED']);
      }));
  }

  it('read and chunks that time out or are aborted have taken nothing', () =>
    served(async (from, to) => {
      const signal = AbortSignal.timeout(5);
      expect((await failureOf(from.read(Buffer.alloc(9), { timeout: 5 }))).code).to.equal('ETIMEDOUT');
      expect((await failureOf(from.chunks({ timeout: 5 }).next())).code).to.equal('ETIMEDOUT');
      expect((await failureOf(from.read(Buffer.alloc(9), { signal }))).code).to.equal('ABORT_ERR');
      await to.write('all of it');
      expect(String(await from.readExactly(9))).to.equal('all of it');
    }));

  it('what readUntil left goes to every other way of reading', () =>
    served(async (from, to) => {
      const buffer = Buffer.alloc(2);
      await to.write('a;bcdefg\nlast');
      await to.closeWrite();
      expect(String(await from.readUntil(';'))).to.equal('a;');
      const bytes = await from.read(buffer);
      expect(buffer.toString('latin1', 0, bytes)).to.equal('bc'.slice(0, bytes));
      expect(String(await from.readExactly(3))).to.equal('cdefg'.slice(bytes - 1, bytes + 2));
      const lines = from.lines();
      expect((await lines.next()).value).to.equal('g');
      const rest: Buffer[] = [];
      for await (const chunk of from) rest.push(chunk);
      expect(Buffer.concat(rest).toString()).to.equal('last');
    }));
});
