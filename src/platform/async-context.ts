/**
 * Whose asynchronous context what runs in: AsyncLocalStorage's stores, and the resources of async_hooks.
 *
 * A turn of the event loop carries out what many calls began. Node.js gives it the context of whoever happened to plan it, so two
 * things are needed:
 * - Each callback runs in the context of the call that was given it. An AsyncResource of the call's own remembers it: it is made
 *   when the call is queued and never used for another, although the request that holds it is.
 * - Everything else runs in the library's own context, which is the one that it was imported in. There it sets its timers and
 *   immediates, starts its threads and opens files: what lives long must not hold the stores of whoever came first.
 *
 * What a callback does to its context (enterWith) ends with it: the scope restores what was before.
 *
 * The types that async_hooks shows are in CONTEXT_TYPES; docs/async-context.md is for users.
 * Source: https://nodejs.org/api/async_context.html#class-asyncresource
 */
import { AsyncResource } from 'node:async_hooks';

/** What async_hooks calls the resource of a call, prefixed by the package's name, as Node.js recommends. */
export const CONTEXT_TYPES = {
  accept: 'iocp-pal:accept',
  connect: 'iocp-pal:connect',
  read: 'iocp-pal:read',
  write: 'iocp-pal:write',
  sendFile: 'iocp-pal:sendFile',
  drain: 'iocp-pal:drain',
  shutdown: 'iocp-pal:shutdown',
  close: 'iocp-pal:close',
  receive: 'iocp-pal:receive',
  send: 'iocp-pal:send',
  watch: 'iocp-pal:watch',
  server: 'iocp-pal:server',
  connection: 'iocp-pal:connection',
  remotePost: 'iocp-pal:remotePost',
  remoteError: 'iocp-pal:remoteError',
  timeout: 'iocp-pal:timeout',
} as const;
export type ContextType = keyof typeof CONTEXT_TYPES;
type ResourceType = (typeof CONTEXT_TYPES)[ContextType];

/** The one resource that all work of the library's own belongs to. */
const own = new AsyncResource('iocp-pal:loop');
/** The end of a call is known, so that its resource is destroyed then and not when it becomes garbage. */
const ENDS_WITH_ITS_CALLBACK = { requireManualDestroy: true } as const;

/** Runs something in the library's own context, whoever calls. */
export function inOwnContext<Args extends unknown[], Result>(act: (...args: Args) => Result, ...args: Args): Result {
  return own.runInAsyncScope(act, undefined, ...args);
}

/**
 * The callback of one call, together with the context that the call was made in. It runs once, through finish().
 *
 * For reads, writes and datagrams, of which there are many: one object per call, where a bound function would be three.
 */
export class BoundCallback<Args extends unknown[]> extends AsyncResource {
  readonly #callback: (...args: Args) => void;

  /** @param type one of CONTEXT_TYPES; looking it up by its key here would take as long as the rest of the constructor */
  constructor(type: ResourceType, callback: (...args: Args) => void) {
    super(type, ENDS_WITH_ITS_CALLBACK);
    this.#callback = callback;
  }

  /** Calls back, in the context of the call. Throws what the callback throws. */
  finish(...args: Args): void {
    try {
      this.runInAsyncScope(this.#callback, undefined, ...args);
    } finally {
      this.emitDestroy();
    }
  }

  /** The same for two arguments, which most callbacks take: passing on any number of them costs 30 ns. */
  finishTwo(this: BoundCallback<[Args[0], Args[1]]>, first: Args[0], second: Args[1]): void {
    try {
      this.runInAsyncScope(this.#callback, undefined, first, second);
    } finally {
      this.emitDestroy();
    }
  }
}

/** A function that calls back once, in the context of now. */
export function boundOnce<Args extends unknown[]>(
  type: ContextType,
  callback: (...args: Args) => void,
): (...args: Args) => void {
  const bound = new BoundCallback(CONTEXT_TYPES[type], callback);
  return (...args) => bound.finish(...args);
}

/**
 * A function that calls back as often as it is called, in the context of now. Each call has a resource of its own, which comes from
 * that of now: before Node.js 24, enterWith() changes the resource that it is called in, and the next call would see it.
 */
export function bound<Args extends unknown[]>(
  type: ContextType,
  callback: (...args: Args) => void,
): (...args: Args) => void {
  const resource = new AsyncResource(CONTEXT_TYPES[type]);
  const call = (...args: Args): void => {
    new BoundCallback(CONTEXT_TYPES[type], callback).finish(...args);
  };
  return (...args) => resource.runInAsyncScope(call, undefined, ...args);
}
