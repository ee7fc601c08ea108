/**
 * A media server that knows nothing of iocp-pal, with real publishers and players and what happens to them: on the Windows node.exe,
 * with `--import iocp-pal/register`, from the published package. What the players got and what the server recorded is compared with
 * what was published, packet by packet. Every wait is for something that was printed.
 */
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { remove } from '../../scripts/remove.mjs';
import { ffmpegIsThere, FRAMES_PER_GOP, makeFilm, packetsOf, Player, Publisher, type Packets } from './live/ffmpeg.ts';
import { MediaServer } from './live/media-server.ts';
import { Progress } from './live/progress.ts';
import { softwareProject, versionOf } from './software-project.ts';

const TIMEOUT_MS = 900_000;
const windowsIsThere = process.env['IOCP_PAL_RUN_WINDOWS'] !== undefined;
const without = ffmpegIsThere ? '' : ' (skipped: this machine has no ffmpeg)';

/** Seconds of film: more bytes than the buffers of a stalled player's connection take. */
const FILM_SECONDS = 16;
/** Packets of a stream that ffmpeg, or a connection, may still hold when a player is ended. */
const ON_THE_WAY = 8;

type Kind = keyof Packets;
const KINDS: readonly Kind[] = ['video', 'audio'];

describe(`node-media-server ${versionOf('node-media-server')}, ffmpeg publishes and plays${without}`, function () {
  this.timeout(TIMEOUT_MS);
  this.slow(TIMEOUT_MS);
  const progress = new Progress();
  const processes: { kill(): Promise<void> }[] = [];
  let folder: string | undefined;
  let project: string;
  let server: MediaServer;

  before(async function () {
    if (!windowsIsThere || !ffmpegIsThere) return this.skip();
    folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-film-'));
    project = await softwareProject();
  });

  after(async () => {
    await Promise.all(processes.map((one) => one.kill()));
    if (folder !== undefined) remove(folder);
  });

  function until(condition: () => boolean, what: string): Promise<void> {
    const broken = (): string | null => {
      if (server.end !== null) return `The server has ended: ${server.end.stderr}`;
      return processes.some((one) => one instanceof Player && one.endedByItself) ? 'A player has ended' : null;
    };
    return progress.until(condition, () => `${what}; logged:\n${server.logged.join('\n')}`, broken);
  }

  async function logged(pattern: RegExp, times: number): Promise<void> {
    await until(() => server.count(pattern) >= times, `${String(pattern)}, ${times} times`);
  }

  function start<Process extends { kill(): Promise<void> }>(process: Process): Process {
    processes.push(process);
    return process;
  }

  /** Until each of them has played so many packets of video, and as much sound. */
  async function played(players: Player[], film: Packets, frames: number): Promise<void> {
    const wanted = countsUntil(film, frames);
    const has = ({ packets }: Player): boolean => KINDS.every((kind) => packets[kind].length >= wanted[kind]);
    await until(() => players.every(has), `${players.length} players to have played ${frames} frames`);
  }

  it('several play at once over RTMP and HTTP, one stalls, one is killed, the publisher drops and comes back', async () => {
    const file = path.join(folder ?? '', 'film.flv');
    makeFilm(file, FILM_SECONDS);
    const film = packetsOf(file);
    const bytes = readFileSync(file);
    const [firstHalf, secondHalf] = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)];
    const frames = film.video.length;

    server = start(await MediaServer.start(project, progress));
    await logged(/(Rtmp|HTTP) server listening/i, 2);
    const [rtmp, flv] = [server.rtmp('live/film'), server.httpFlv('live/film')];
    const steady = [rtmp, rtmp, flv, flv].map((url) => start(new Player(url, progress)));
    const stalls = start(new Player(rtmp, progress));
    const dies = start(new Player(flv, progress));
    await logged(/start play/, 6);

    // The first half: then one player stalls, and another one is killed in the middle of it.
    const first = start(new Publisher(rtmp, progress));
    first.feed(firstHalf);
    await played([...steady, stalls, dies], film, FRAMES_PER_GOP);
    stalls.stall();
    await dies.kill();
    await logged(/FLV session .* close/, 1);

    // The rest, of which the publisher has sent all but the last packets when it is killed.
    first.feed(secondHalf);
    await played(steady, film, frames - ON_THE_WAY);
    await first.kill();
    await logged(/RTMP session .* close/, 1);

    // It comes back. Somebody joins in the middle.
    const second = start(new Publisher(rtmp, progress));
    second.feed(firstHalf);
    await played(steady, film, frames + FRAMES_PER_GOP);
    server.order('queues');
    await logged(/queued bytes/, 1);
    const late = start(new Player(flv, progress));
    await logged(/start play/, 7);
    stalls.goOn();
    second.feed(secondHalf);
    await second.finish();
    await logged(/RTMP session .* close/, 2);
    await played([...steady, stalls], film, 2 * (frames - ON_THE_WAY));
    await played([late], film, frames / 2);

    // A stop ends those who play over RTMP, and the process; HTTP's answers it leaves to their clients.
    for (const player of [...steady.slice(2), late]) await player.kill();
    await logged(/FLV session .* close/, 4);
    server.order('stop');
    const { code, stderr, stdout } = await server.ended;
    for (const player of [...steady.slice(0, 2), stalls]) await player.ended;

    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).to.deep.equal({ accepted: 9, connected: 1 });
    const queued = /queued bytes: (\d+)/.exec(server.logged.join('\n'))?.[1];
    expect(Number(queued), 'bytes that wait for the stalled player').to.be.above(0);

    const recorded = packetsOf(theOnlyRecord());
    const atLeast = countsUntil(film, frames - ON_THE_WAY);
    for (const kind of KINDS) {
      const [all, was] = [film[kind], recorded[kind]];
      const before = was.length - all.length; // the publisher dropped
      expect(before, `${kind} before the drop`).to.be.within(atLeast[kind], all.length);
      expect(was, `${kind}, recorded`).to.deep.equal([...all.slice(0, before), ...all]);
      // played() has waited for all but the last packets of those who stayed.
      for (const [index, player] of [...steady, stalls, dies].entries()) {
        const got = player.packets[kind];
        expect(got, `${kind} of player ${index}`).to.deep.equal(was.slice(0, got.length));
      }
      const got = late.packets[kind];
      const from = was.lastIndexOf(got[0] ?? '');
      expect(got, `${kind} of who came late`).to.deep.equal(was.slice(from, from + got.length));
      if (kind === 'video') expect((from - before) % FRAMES_PER_GOP, 'frames behind a key frame').to.equal(0);
    }
  });

  function theOnlyRecord(): string {
    const records = path.join(project, 'record', 'live', 'film');
    const names = readdirSync(records);
    expect(names).to.have.lengthOf(1);
    return path.join(records, names[0] ?? '');
  }
});

function countsUntil(film: Packets, frames: number): Record<Kind, number> {
  return { video: frames, audio: Math.floor((frames * film.audio.length) / film.video.length) };
}
