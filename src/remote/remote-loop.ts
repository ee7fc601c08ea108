/**
 * Another thread's end of a loop: submissions go into the loop's queue (ring.ts) and are carried out there, in order. It
 * answers at once that a submission is queued, or why not; how it ends is reported on the loop's own thread (onRemoteError).
 */
import { isUint8Array } from 'node:util/types';
import { Win32Error } from '../../ffi/check.ts';
import { plainBytes, NO_BYTES } from '../util/bytes.ts';
import { readOptions, type OptionNames } from '../util/read-options.ts';
import type { Kernel32 } from '../../ffi/kernel32.ts';
import { REMOTE_KEY } from '../iocp/completion-key.ts';
import { postPacket } from '../iocp/completion-port.ts';
import type { AnyHandle, SocketHandle } from '../pal/handles.ts';
import type { RemoteToken } from '../pal/loops.ts';
import { NetworkErrorCode } from '../pal/network-error-code.ts';
import { argumentError, NetworkError } from '../pal/network-error.ts';
import { systemError } from '../util/errors.ts';
import { foreignHandle, isForeignHandle, isForeignPost, isPalNumber } from '../util/pal-number.ts';
import { windowsPlatform } from '../windows/windows-platform.ts';
import { RemoteCommand } from './commands.ts';
import { shown } from '../util/shown.ts';
import { requireStack } from '../util/stack-room.ts';
import { isRing } from './ring-layout.ts';
import { RingProducer, Submitted } from './ring.ts';

/** What openRemote wakes the loop with. */
export interface RemoteOptions {
  /** The system of the loop. Default: the Windows of this process. */
  platform?: { readonly kernel32: Pick<Kernel32, 'PostQueuedCompletionStatus' | 'GetLastError'> } | undefined;
}

const OPTIONS: OptionNames<RemoteOptions> = { platform: false };

/** Submits to the loop of another thread. Made by openRemote(), one per thread that submits. */
export class RemoteLoop {
  readonly #ring: RingProducer;
  readonly #pal: number;

  /** For openRemote(). @param pal number of the loop's PAL, which its handles carry */
  constructor(ring: RingProducer, pal: number) {
    this.#ring = ring;
    this.#pal = pal;
  }

  /** The loop still takes submissions. It may stop at any moment, so this is for those who wait, not a guard. */
  get isOpen(): boolean {
    return !this.#ring.isClosed;
  }

  /** Bytes that one write or message can have. */
  get maxBytes(): number {
    return this.#ring.largestPayload;
  }

  /**
   * Writes to a connection of the loop, behind what this thread submitted before. The data is copied.
   * @throws NetworkError ERR_REMOTE_QUEUE_FULL, ERR_EVENT_LOOP_STOPPED, with nothing queued; RangeError for more than
   * maxBytes. With the `syscall` PostQueuedCompletionStatus: the data is queued, but the loop could not be woken, and
   * carries it out with the next submission that can wake it.
   */
  write(socket: SocketHandle, given: Uint8Array): void {
    this.#requireHandle(socket);
    const data = requireBytes('data', given);
    if (data.byteLength === 0) {
      throw argumentError(TypeError, 'ERR_INVALID_ARG_VALUE', 'Cannot use data: it has 0 bytes, at least 1 is needed');
    }
    this.#submit('write', RemoteCommand.Write, socket, data);
  }

  /** Closes a socket of the loop as closeSocket does: what was submitted for it before is flushed. Throws as write(). */
  close(socket: AnyHandle): void {
    this.#requireHandle(socket);
    this.#submit('close', RemoteCommand.Close, socket, NO_BYTES);
  }

  /**
   * Calls a callback of onRemotePost on the loop's thread. The message is copied. Throws as write().
   * @param id the callback's id: the number that onRemotePost returned
   */
  post(id: number, message: Uint8Array = NO_BYTES): void {
    requireNumber('id', id);
    if (isForeignPost(this.#pal, id)) throw foreignHandle(id);
    this.#submit('post', RemoteCommand.Post, id, requireBytes('message', message));
  }

  /** Asks the loop to stop, as its stopEventLoop() does. Throws as write(). */
  stop(): void {
    this.#submit('stop', RemoteCommand.Stop, 0, NO_BYTES);
  }

  #requireHandle(socket: AnyHandle): void {
    requireNumber('socket', socket);
    if (isForeignHandle(this.#pal, socket)) throw foreignHandle(socket);
  }

  #submit(what: string, kind: number, subject: number, payload: Uint8Array): void {
    requireStack();
    let outcome: Submitted;
    try {
      outcome = this.#ring.submit(kind, subject, payload);
    } catch (error) {
      throw error instanceof Win32Error ? notWoken(what, error) : error;
    }
    if (outcome === Submitted.Done) return;
    if (outcome === Submitted.TooLarge) {
      throw argumentError(
        RangeError,
        'ERR_OUT_OF_RANGE',
        `Cannot ${what} ${payload.byteLength} bytes through a queue whose records have at most ${this.maxBytes}: ` +
          "send less at a time, or raise remoteQueueBytes of the loop's PAL",
      );
    }
    if (outcome === Submitted.Closed) {
      throw new NetworkError(`Cannot ${what}: the event loop of the other thread has stopped, or is stopping`, {
        kind: NetworkErrorCode.EventLoopError,
        code: 'ERR_EVENT_LOOP_STOPPED',
      });
    }
    throw new NetworkError(
      `Cannot ${what} ${payload.byteLength} bytes: the loop's queue is full, since it is submitted to faster than it works. ` +
        "Try again later, or raise remoteQueueBytes of the loop's PAL",
      { kind: NetworkErrorCode.ResourceExhausted, code: 'ERR_REMOTE_QUEUE_FULL' },
    );
  }
}

/** It is in the queue nevertheless: submitted again, it would be carried out twice. */
function notWoken(what: string, { syscall, systemErrorCode }: Win32Error): NetworkError {
  const { kind, code, errno, message } = systemError('loop', syscall, systemErrorCode);
  return new NetworkError(
    `${message}. The ${what} is queued, and carried out with the next submission that can wake the loop: do not repeat it`,
    { kind, code, errno, syscall, systemErrorCode },
  );
}

/**
 * Makes a RemoteLoop of what another thread's `pal.remote()` returned.
 * @throws TypeError ERR_INVALID_ARG_VALUE when it is something else, or damaged; ERR_INVALID_ARG_TYPE for other options.
 */
export function openRemote(token: RemoteToken, given: RemoteOptions = {}): RemoteLoop {
  const options = readOptions<RemoteOptions>(given, OPTIONS);
  requirePlatform(options.platform);
  const read = readRemoteToken('the token', token);
  return new RemoteLoop(openRing(read, options), read.pal);
}

/** A checked copy of a token, whose every field is read once. Throws TypeError, which calls the token `what`. */
export function readRemoteToken(what: string, token: unknown): RemoteToken {
  const given = (typeof token === 'object' && token !== null ? token : {}) as Partial<RemoteToken>;
  const { kind, queue, pal, port } = given;
  let wrong: keyof RemoteToken;
  if (kind !== 'iocp-pal/remote') wrong = 'kind';
  // Of another size the loop's words would be looked for where they are not.
  else if (!isRing(queue)) wrong = 'queue';
  else if (!isPalNumber(pal)) wrong = 'pal';
  else if (!isPort(port)) wrong = 'port';
  else return { kind, queue, pal, port };
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot use ${what} ${shown(token)}: it must be what pal.remote() returned, unchanged. Its '${wrong}' is wrong`,
  );
}

function requirePlatform(platform: RemoteOptions['platform']): void {
  const given = platform as { kernel32?: { PostQueuedCompletionStatus?: unknown } | null } | null | undefined;
  if (given === undefined || typeof given?.kernel32?.PostQueuedCompletionStatus === 'function') return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_TYPE',
    `Cannot use platform: it must be what a PAL of that system was given as its platform, and is ${shown(platform)}`,
  );
}

/**
 * The producer behind a token. `waking` is called with each attempt to wake the loop.
 * @param token from readRemoteToken
 */
export function openRing({ queue, port }: RemoteToken, { platform }: RemoteOptions, waking?: () => void): RingProducer {
  // Loaded in this thread: the functions of the loop's thread cannot be posted.
  const { kernel32 } = platform ?? windowsPlatform();
  return new RingProducer(queue, () => {
    waking?.();
    postPacket(kernel32, port, REMOTE_KEY);
  });
}

/** A HANDLE of a completion port, which is never 0. */
function isPort(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function requireNumber(name: string, value: unknown): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return;
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_TYPE',
    `Cannot use ${name} ${shown(value)}: it must be a number that the loop's thread gave out`,
  );
}

function requireBytes(name: string, value: unknown): Uint8Array {
  if (isUint8Array(value)) return plainBytes(value);
  throw argumentError(
    TypeError,
    'ERR_INVALID_ARG_TYPE',
    `Cannot use ${name}: it must be a Buffer or Uint8Array, and is ${shown(value)}`,
  );
}
