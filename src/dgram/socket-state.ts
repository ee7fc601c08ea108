/** What a Socket knows beside Node's public properties. */
import { AsyncResource } from 'node:async_hooks';
import type dgram from 'node:dgram';
import type { BlockList } from 'node:net';
import type { Lookup } from './lookup.ts';
import type { UdpChannel } from './udp-channel.ts';

/** Node's options of a socket, as they may come from JavaScript; @types/node does not know all of them. */
export interface SocketOptions extends dgram.SocketOptions {
  readonly receiveBlockList?: BlockList | undefined;
  readonly sendBlockList?: BlockList | undefined;
  readonly reusePort?: boolean | undefined;
}

/** Where a socket is between one state and the other: from when it is asked for it until it is there. */
export type Progress = 'no' | 'under way' | 'yes';

/** The key under which a Socket holds it. Sockets are functions' objects, which have no private fields. */
export const state = Symbol('iocp-pal datagram socket');

export class SocketState {
  readonly family: 4 | 6;
  readonly options: SocketOptions;
  readonly lookup: Lookup;
  /** What datagrams are delivered in: the context that the socket was made in. */
  readonly context = new AsyncResource('iocp-pal:socket');
  /** The socket of the PAL: from bind() on, or from the first group that is joined before. */
  udp: UdpChannel | null = null;
  bound: Progress = 'no';
  connected: Progress = 'no';
  closed = false;
  referenced = true;
  /** What was called before the socket was bound, and waits for that. */
  queue: (() => void)[] | undefined;

  constructor(family: 4 | 6, options: SocketOptions, lookup: Lookup) {
    this.family = family;
    this.options = options;
    this.lookup = lookup;
  }
}
