/** The two ends of a live stream, over RTMP. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeMessage, MessageType } from '../../docs/examples/rtmp-relay/chunks.ts';
import { MEDIA_STREAM } from '../../docs/examples/rtmp-relay/messages.ts';
import { greeting, opening, VIDEO_SETTINGS } from '../../test/support/rtmp-client.ts';
import { FRAMES_PER_SECOND, frameOf, frameSizes } from './encoder.ts';
import { RtmpFrames } from './rtmp-frames.ts';

/** A server that has not accepted by then is not going to. */
const CONNECT_TIMEOUT_MS = 20_000;
const SEED = 1;
const NAME = 'x';

/** All players read into this one: a frame that has come is only counted. */
const sink = Buffer.alloc(1024 * 1024);

/** Plays, and tells of each frame that has come to its end. */
export function openPlayer(port: number, onFrame: (number: number) => void): Promise<Socket> {
  return open(port, 'play', new RtmpFrames(onFrame));
}

/** A publisher that says nothing before publish(). */
export function openPublisher(port: number): Promise<Socket> {
  return open(port, 'publish', null);
}

function open(port: number, verb: 'play' | 'publish', frames: RtmpFrames | null): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const callback = (bytes: number): boolean => {
      frames?.take(sink, bytes);
      return true;
    };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: sink, callback } });
    const late = (): void => void socket.destroy(new Error(`No connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
    socket.setTimeout(CONNECT_TIMEOUT_MS, late);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      // All at once: the relay takes one after the other.
      socket.write(Buffer.concat([greeting(), opening(verb, NAME)]));
      resolve(socket);
    });
  });
}

/**
 * Publishes at the pace of an encoder until it is told to end: a frame that is late is sent at once, as a camera would.
 * @param meanBytes of a frame
 * @param sentAt gets the time at which each frame was given to the system, by its number
 */
export async function publish(
  publisher: Socket,
  meanBytes: number,
  sentAt: number[],
  signal: AbortSignal,
): Promise<void> {
  const sizes = frameSizes(SEED, meanBytes);
  const send = (timestamp: number, payload: Buffer): void => {
    publisher.write(encodeMessage({ type: MessageType.Video, timestamp, payload }, MEDIA_STREAM));
  };
  send(0, VIDEO_SETTINGS);
  const begun = performance.now();
  for (let number = 0; !signal.aborted; number++) {
    const due = begun + (number * 1000) / FRAMES_PER_SECOND;
    const frame = frameOf(number, sizes[number % sizes.length] ?? 0);
    await sleep(Math.max(0, due - performance.now()));
    sentAt[number] = performance.now();
    send(Math.round(due - begun), frame);
  }
}
