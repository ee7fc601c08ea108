/** Debian's ffmpeg as those who use a media server: it makes a film, publishes it, and plays it packet by packet. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Progress } from './progress.ts';

const FFMPEG = '/usr/bin/ffmpeg';
export const ffmpegIsThere = existsSync(FFMPEG);
const QUIET = ['-nostdin', '-loglevel', 'error'];

/** Packets of one stream, each as its size and its MD5. */
export interface Packets {
  video: string[];
  audio: string[];
}

/** Frames from one key frame of the film to the next: a second. */
export const FRAMES_PER_GOP = 25;

/** Makes a film of H.264 and AAC. Noise lets its frames be as large as those of a camera: 400 kB a second. */
export function makeFilm(file: string, seconds: number): void {
  const picture = `testsrc2=size=320x180:rate=${FRAMES_PER_GOP}:duration=${seconds},noise=alls=40:allf=t`;
  const sound = `sine=frequency=440:sample_rate=44100:duration=${seconds}`;
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', `${FRAMES_PER_GOP}`, '-bf', '0', '-b:v', '3M'];
  const inputs = ['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound];
  const audio = ['-c:a', 'aac', '-b:a', '64k'];
  execFileSync(FFMPEG, [...QUIET, ...inputs, ...video, '-pix_fmt', 'yuv420p', ...audio, file]);
}

/** All packets of a file. */
export function packetsOf(file: string): Packets {
  const packets: Packets = { video: [], audio: [] };
  const printed = execFileSync(FFMPEG, [...QUIET, '-i', file, ...AS_DIGESTS], { encoding: 'utf8' });
  for (const line of printed.split('\n')) addPacket(packets, line);
  return packets;
}

/** A line per packet, at once: its stream, times, size and MD5. The streams are copied as they come, and never decoded. */
const AS_DIGESTS = '-map 0:v -map 0:a -c copy -flush_packets 1 -f framemd5 pipe:1'.split(' ');

function addPacket(packets: Packets, line: string): void {
  const [stream, , , , size, md5] = line.split(',').map((field) => field.trim());
  if (line.startsWith('#') || md5 === undefined) return;
  packets[stream === '0' ? 'video' : 'audio'].push(`${size} ${md5}`);
}

/** A process of ffmpeg that runs until it is told to end, or ends by itself. */
abstract class Running {
  readonly ended: Promise<unknown>;
  /** It has ended although nobody has killed it. */
  endedByItself = false;
  protected readonly child: ChildProcess;
  #killed = false;

  constructor(args: string[], input: 'pipe' | 'ignore', progress: Progress) {
    // What it complains of when its server goes is nobody's business.
    this.child = spawn(FFMPEG, ['-loglevel', 'quiet', ...args], { stdio: [input, 'pipe', 'ignore'] });
    this.ended = once(this.child, 'close').then(() => {
      this.endedByItself = !this.#killed;
      progress.made();
    });
  }

  async kill(): Promise<void> {
    this.#killed = true;
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** Sends what it is fed, as fast as it goes; when it is fed nothing, the stream stands still. */
export class Publisher extends Running {
  constructor(url: string, progress: Progress) {
    // Without fpsprobesize it would first look at seconds of the film.
    const input = ['-fpsprobesize', '0', '-f', 'flv', '-i', 'pipe:0'];
    super([...input, '-c', 'copy', '-f', 'flv', '-flvflags', 'no_duration_filesize', url], 'pipe', progress);
    this.child.stdin?.on('error', () => undefined); // it was killed while it was fed
  }

  feed(film: Uint8Array): void {
    this.child.stdin?.write(film);
  }

  /** Ends the stream behind what it was fed. */
  async finish(): Promise<void> {
    this.child.stdin?.end();
    await this.ended;
  }
}

/** Bytes that the system receives for a player ahead: little, so that a server soon notices that one has stalled. */
const RECEIVED_AHEAD = 65_536;

/** Plays until it is killed, or its server ends the connection. */
export class Player extends Running {
  readonly packets: Packets = { video: [], audio: [] };

  constructor(url: string, progress: Progress) {
    const probe = ['-fpsprobesize', '0', '-analyzeduration', '200000', '-recv_buffer_size', `${RECEIVED_AHEAD}`];
    super([...probe, '-i', url, ...AS_DIGESTS], 'ignore', progress);
    if (this.child.stdout === null) throw new Error('ffmpeg has no output');
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      addPacket(this.packets, line);
      progress.made();
    });
  }

  stall(): void {
    this.child.kill('SIGSTOP');
  }

  goOn(): void {
    this.child.kill('SIGCONT');
  }
}
