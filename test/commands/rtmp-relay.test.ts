/** docs/examples/rtmp-relay with real software: ffmpeg publishes and plays, through the relay on this system and on Windows. */
import { expect } from 'chai';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { removeAtExit } from '../../scripts/remove.mjs';
import { COMMAND_TIMEOUT_MS, startCommand, startHere, type Command } from './command.ts';

const SCRIPT = path.join('docs', 'examples', 'rtmp-relay', 'main.ts');
/** Pictures in a group: a third of a second. */
const GROUP = 10;
const SECONDS = 20;
/** Noise, which no encoder makes small: about 450 KB a group, so that what waits for a player soon fills every buffer on the way. */
const PICTURES = `testsrc2=size=320x180:rate=30,noise=alls=80:allf=t`;
/** What may wait for one player, KiB: a dozen groups, and three times what those who watch may be behind the publisher. */
const QUEUE_KIB = 6000;
/** Groups that are sent before a player has shown that it got those before. */
const GROUPS_AHEAD = 4;

/** What a stream has: the digests of its packets, in order, by the number of the track (0 is the pictures). */
interface Packets {
  readonly pictures: string[];
  readonly sound: string[];
}

function packetsOf(text: string): Packets {
  const lines = text.split('\n').filter((line) => /^\d/.test(line) && line.length > 60);
  const rows = lines.map((line) => line.split(',').map((field) => field.trim()));
  const ofTrack = (track: string): string[] => rows.filter(([id]) => id === track).map((row) => row.slice(4).join(' '));
  // Which of the two is the first is decided by which came first.
  const [first, second] = [ofTrack('0'), ofTrack('1')];
  const isPicture = /^#media_type 0: video/m.test(text);
  return isPicture ? { pictures: first, sound: second } : { pictures: second, sound: first };
}

/** Where two lists differ first: they are too long to be shown. */
function unlike(got: string[], wanted: string[]): string {
  const at = wanted.findIndex((packet, index) => got[index] !== packet);
  if (at === -1 && got.length === wanted.length) return '';
  return `${got.length} packets and not ${wanted.length}; packet ${at} is ${got[at]}, and not ${wanted[at]}`;
}

const FRAMEMD5 = ['-c', 'copy', '-f', 'framemd5', '-flush_packets', '1', '-'];

const systems: readonly (readonly [system: string, start: (...args: string[]) => Command])[] = [
  ['this system', (...args) => startHere(SCRIPT, args)],
  ['Windows', (...args) => startCommand('wine.mjs', [SCRIPT, ...args])],
];

for (const [system, start] of systems) {
  describe(`docs/examples/rtmp-relay and ffmpeg, on ${system}`, function () {
    this.timeout(COMMAND_TIMEOUT_MS);
    this.slow(COMMAND_TIMEOUT_MS);
    const children = new Set<ChildProcess>();
    let relay: Command | undefined;
    let file = '';
    let published: Packets = { pictures: [], sound: [] };

    before(function () {
      const isAsked = process.env['IOCP_PAL_RUN_WINDOWS'] !== undefined;
      if (process.platform === 'win32' || (system === 'Windows' && !isAsked)) this.skip();
      if (spawnSync('ffmpeg', ['-version']).status !== 0) {
        console.log('      skipped: there is no ffmpeg here (apt-get install ffmpeg)');
        this.skip();
      }
      const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-rtmp-'));
      removeAtExit(folder);
      file = path.join(folder, 'published.flv');
      const sources = ['-f', 'lavfi', '-i', PICTURES, '-f', 'lavfi', '-i', 'sine', '-t', String(SECONDS)];
      const group = ['-g', String(GROUP), '-keyint_min', String(GROUP), '-sc_threshold', '0', '-bf', '0'];
      const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '26', '-pix_fmt', 'yuv420p', ...group];
      const made = spawnSync('ffmpeg', ['-v', 'error', ...sources, ...video, '-c:a', 'aac', file], {
        encoding: 'utf8',
      });
      expect(made.stderr).to.equal('');
      published = packetsOf(spawnSync('ffmpeg', ['-v', 'error', '-i', file, ...FRAMEMD5], { encoding: 'utf8' }).stdout);
      expect(published.pictures.length).to.equal(SECONDS * 30);
      expect(new Set(published.pictures).size, 'every picture is another').to.equal(SECONDS * 30);
    });
    afterEach(() => {
      relay?.endInput(); // whatever became of the test
      for (const child of children) child.kill('SIGKILL');
      children.clear();
    });

    function ffmpeg(...args: string[]): ChildProcess {
      const child = spawn('ffmpeg', ['-v', 'error', ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.on('error', () => undefined);
      children.add(child);
      return child;
    }

    /** Plays, and writes down the digest of each packet. */
    function player(url: string) {
      const child = ffmpeg('-nostdin', '-probesize', '100000', '-analyzeduration', '300000', '-i', url, ...FRAMEMD5);
      let text = '';
      let tell = (): void => undefined;
      child.stdout?.on('data', (chunk) => {
        text += String(chunk);
        tell();
      });
      const ended = once(child, 'close').then(() => {
        tell();
        return packetsOf(text);
      });
      return {
        child,
        ended,
        /** Once it has shown so many pictures, or has ended. */
        async has(pictures: number): Promise<void> {
          while (packetsOf(text).pictures.length < pictures && child.exitCode === null)
            await new Promise<void>((resolve) => (tell = resolve));
        },
      };
    }

    it('gives every packet to who watches; who is late begins with a key frame; who stalls misses whole groups', async () => {
      const command = (relay = start('0', String(QUEUE_KIB)));
      const [, port = ''] = await command.prints(/^rtmp relay on 127\.0\.0\.1:(\d+)$/m);
      const url = `rtmp://127.0.0.1:${port}/live/film`;
      const plays = (count: number) => command.prints(new RegExp(`(?:plays live/film[^]*){${count}}`));
      const early = player(url);
      await plays(1);
      const stalled = player(url);
      await plays(2);
      stalled.child.kill('SIGSTOP');

      // The pictures go in as the early player shows them: however slow this machine is, it is never far behind.
      const bytes = readFileSync(file);
      const groups = published.pictures.length / GROUP;
      const publisher = ffmpeg(
        '-f',
        'flv',
        '-i',
        'pipe:0',
        '-c',
        'copy',
        '-f',
        'flv',
        '-flvflags',
        'no_duration_filesize',
        url,
      );
      const upTo = (group: number): number => Math.floor((bytes.length * group) / groups);
      const feed = async (from: number, to: number): Promise<void> => {
        for (let group = from; group < to; group++) {
          await early.has((group - GROUPS_AHEAD) * GROUP);
          publisher.stdin?.write(bytes.subarray(upTo(group), upTo(group + 1)));
        }
      };
      await feed(0, groups / 2);
      const late = player(url);
      await plays(3);
      await feed(groups / 2, groups - GROUPS_AHEAD);
      await command.prints(/falls behind on live\/film: groups of pictures are dropped/);
      stalled.child.kill('SIGCONT');
      await feed(groups - GROUPS_AHEAD, groups);
      publisher.stdin?.end();

      const earlyOne = await early.ended;
      expect(unlike(earlyOne.pictures, published.pictures), 'all of it').to.equal('');
      expect(unlike(earlyOne.sound, published.sound), 'all of it').to.equal('');
      const lateOne = await late.ended;
      const begin = published.pictures.indexOf(lateOne.pictures[0] ?? '');
      expect([begin % GROUP, begin >= (groups / 2 - 2 * GROUPS_AHEAD) * GROUP], 'a key frame').to.deep.equal([0, true]);
      expect(unlike(lateOne.pictures, published.pictures.slice(begin)), 'and all that follows').to.equal('');
      expect(published.sound.join('\n').endsWith(lateOne.sound.join('\n'))).to.equal(true);
      const seen = (await stalled.ended).pictures.map((picture) => published.pictures.indexOf(picture));
      const seenGroups = [...new Set(seen.map((picture) => Math.floor(picture / GROUP)))];
      const whole = seenGroups.flatMap((group) => Array.from({ length: GROUP }, (_, index) => group * GROUP + index));
      expect(unlike(seen.map(String), whole.map(String)), 'whole groups').to.equal('');
      expect(seenGroups.length).to.be.lessThan(groups);
      expect(seenGroups.at(-1)).to.equal(groups - 1);

      command.endInput();
      const { code, stdout, stderr } = await command.ended;
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout.match(/has left live\/film; \d+ frames were dropped/g)).to.have.lengthOf(3);
      expect(stdout.match(/has left live\/film; 0 frames were dropped/g)).to.have.lengthOf(2);
      expect(stdout.match(/falls behind/g)).to.have.lengthOf(1);
    });

    it('ends its streams in order when it stops', async () => {
      const command = (relay = start('0'));
      const [, port = ''] = await command.prints(/^rtmp relay on 127\.0\.0\.1:(\d+)$/m);
      const url = `rtmp://127.0.0.1:${port}/live/film`;
      const one = player(url);
      await command.prints(/plays live\/film/);
      ffmpeg('-re', '-i', file, '-c', 'copy', '-f', 'flv', url);
      await one.has(1);
      command.endInput();
      const { pictures } = await one.ended;
      expect(unlike(pictures, published.pictures.slice(0, pictures.length))).to.equal('');
      expect((await command.ended).code).to.equal(0);
    });
  });
}
