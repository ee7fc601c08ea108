/** The readiness of a listening socket: it is readable while its pool has connections that nobody has taken. */
import type { Context } from '../../context/context.ts';
import type { SocketHandle } from '../../pal/handles.ts';
import { WouldBlock, type Interest, type WatchCallback } from '../../pal/readiness.ts';
import { beginAccepting, takeAccepted } from '../accept/acceptor.ts';
import type { Listener } from '../accept/listener.ts';
import { startWatch, Watch } from './watch.ts';

class ListenerWatch extends Watch<Listener> {
  protected get isReadable(): boolean {
    return this.record.accepted.length > 0 && !this.record.paused;
  }

  protected isWritable(): boolean {
    return false;
  }

  protected awaitReadable(): void {
    // The next connection says so.
  }
}

/** Starts a watch, or changes the one that is there. Throws NetworkError when the server cannot begin to accept. */
export function watchListener(context: Context, listener: Listener, interest: Interest, callback: WatchCallback): void {
  startWatch(context, listener, interest, callback, beginAccepting, ListenerWatch);
}

/** Takes a connection that is there now, or answers WouldBlock. */
export function tryAccept(context: Context, listener: Listener): SocketHandle | WouldBlock {
  beginAccepting(context, listener);
  return takeAccepted(context, listener) ?? WouldBlock;
}
