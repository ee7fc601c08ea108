/**
 * The datagram half of the contract: UDP sockets. docs/udp.md explains it.
 *
 * A datagram arrives whole or not at all. Nothing says that it arrives, that it arrives once, or that it arrives in order.
 */
import type { Endpoint, UdpHandle } from './handles.ts';
import type { NetworkError } from './network-error.ts';
import type { OperationHandle, OperationOptions } from './pending-operation.ts';

/**
 * Called once for each asyncReceiveFrom: with the error, or null, the bytes in the buffer, who sent them, and the length of
 * the datagram itself. `size` is more than `bytes` when the datagram did not fit, and the rest of it is lost; it is
 * Infinity where the system cut it off (UdpOptions.maxDatagramSize) and so nobody knows how long it was. On error, `bytes`
 * and `size` are 0, and the peer's address is '' (as it is where the system does not name the sender).
 */
export type ReceiveFromCallback = (error: NetworkError | null, bytes: number, peer: Endpoint, size: number) => void;

/**
 * Datagrams that have come together, lent to a callback: until it returns, or throws. Afterwards `count` is 0, and views show whatever the
 * memory is used for next, as those of asyncReadView do. The object is the same every time. An index is 0 … count - 1.
 * @throws RangeError from its methods for any other index
 */
export interface DatagramBatch {
  /** How many: 1 … 64, and 0 with an error. */
  readonly count: number;
  /** The memory that all of them lie in. */
  readonly bytes: Buffer;
  /** Where a datagram begins in `bytes`. */
  start(index: number): number;
  /** How many bytes of it there are. */
  length(index: number): number;
  /** How many it had: Infinity where the system cut it off (UdpOptions.maxDatagramSize), or else the same. */
  size(index: number): number;
  /** Who sent it. */
  peer(index: number): Endpoint;
  /** Its bytes, as a view: an object for each call, where start() and length() take no memory. */
  view(index: number): Buffer;
}

/** Called once for each asyncReceiveBatch: with the error, or null and what has come. */
export type ReceiveBatchCallback = (error: NetworkError | null, batch: DatagramBatch) => void;

/** One of the datagrams of trySendMany. */
export interface OutgoingDatagram {
  /** Its bytes, or buffers that make one datagram. */
  readonly data: Uint8Array | readonly Uint8Array[];
  /** Where it goes; null is the peer of a connected socket. */
  readonly to: Destination | null;
}

/** Called once for each asyncSendTo: with the error, or null and the number of bytes. */
export type SendToCallback = (error: NetworkError | null, bytes: number) => void;

/** Where a datagram goes. An Endpoint is one, so that the peer of a datagram can be answered. */
export interface Destination {
  /** IPv4 or IPv6 text, of the socket's family; '0.0.0.0' and '::' mean the loopback address. */
  readonly address: string;
  /** 1 … 65535. */
  readonly port: number;
}

/** A UDP socket, as createUdpSocket returns it. */
export interface UdpSocket {
  /** Its name, for asyncReceiveFrom, asyncSendTo, connectUdp and closeSocket. */
  readonly handle: UdpHandle;
  /** The address it is bound to, as text. */
  readonly address: string;
  /** The port it is bound to; the system's choice when 0 was asked for. */
  readonly port: number;
}

/** Options of createUdpSocket. */
export interface UdpOptions {
  /** SO_REUSEADDR. Default false. For several sockets on one port, as multicast receivers on one machine need it. */
  reuseAddr?: boolean | undefined;
  /** SO_EXCLUSIVEADDRUSE. Default false. Nobody else can bind the port, not even with SO_REUSEADDR. */
  exclusive?: boolean | undefined;
  /** IPv6 sockets: false (the default) also serves IPv4 peers, as ::ffff:a.b.c.d. */
  ipv6Only?: boolean | undefined;
  /** SO_BROADCAST. Default false: sending to a broadcast address fails with PermissionDenied. */
  broadcast?: boolean | undefined;
  /** SO_RCVBUF, bytes. Default: the system's. */
  receiveBufferSize?: number | undefined;
  /** SO_SNDBUF, bytes. Default: the system's. */
  sendBufferSize?: number | undefined;
  /**
   * Receives kept posted once the first asyncReceiveFrom was called, 1 … 256. Default 1: what comes behind the datagram that ends it is
   * taken by calls that answer at once. With more, each datagram ends a receive of its own. Each pins one block.
   */
  receiveDepth?: number | undefined;
  /**
   * Bytes of a datagram that a receive takes at most, 1 … 65536. Default 65536, more than any datagram has, so that
   * only a small buffer of your own can cut one. Less pins less memory, and lets the system cut what is longer.
   */
  maxDatagramSize?: number | undefined;
  /**
   * Bytes of pinned memory for datagrams that came when nobody was asking, 0 … 2^30; each takes at least 512. Default
   * 1048576 (1 MiB).
   */
  maxQueuedReceiveBytes?: number | undefined;
  /** Which datagram goes when that memory is full. Default 'newest', as in the system's own buffer. Counted in stats(). */
  dropWhenFull?: 'newest' | 'oldest' | undefined;
  /**
   * Default false: an ICMP "unreachable" that an earlier send brought about is nobody's error. True: it ends one
   * asyncReceiveFrom (or asyncSendTo, where the system reports it there) with ECONNRESET, ECONNREFUSED or the like; the
   * next one receives as before.
   */
  reportUnreachable?: boolean | undefined;
}

/** Options of joinGroup and leaveGroup. */
export interface GroupOptions {
  /**
   * The interface that the group is joined on. IPv4 sockets: its address as text, or its index. IPv6 sockets: its index,
   * or text with the index as scope ('::%4', 'fe80::1%4'). Default: the system's choice.
   */
  interface?: string | number | undefined;
  /** Only datagrams from this address, as text. IPv4 only. */
  source?: string | undefined;
}

/** Calls on UDP sockets. closeSocket, the options, the addresses, ref and unref take their handles too. */
export interface DatagramPal {
  /**
   * Binds a UDP socket.
   * @param address IPv4 or IPv6 text; '0.0.0.0' and '::' are any address.
   * @param port 0 … 65535; 0 lets the system choose.
   * @throws NetworkError AddressInUse, AddressNotAvailable, InvalidAddress, PermissionDenied, …; RangeError for the port.
   */
  createUdpSocket(address: string, port: number, options?: UdpOptions): UdpSocket;
  /**
   * Takes the next datagram into the start of `buffer`, at most maxBytes of it. Calls on one socket are served in order.
   * The buffer is written only right before its callback. Cancelled, it loses no datagram: the next call gets it.
   */
  asyncReceiveFrom(
    socket: UdpHandle,
    buffer: Uint8Array,
    maxBytes: number,
    callback: ReceiveFromCallback,
  ): OperationHandle;
  asyncReceiveFrom(
    socket: UdpHandle,
    buffer: Uint8Array,
    maxBytes: number,
    options: OperationOptions,
    callback: ReceiveFromCallback,
  ): OperationHandle;
  /**
   * Takes datagrams that have come, 1 … 64, and lends them to the callback instead of copying them: one call and one callback for a
   * burst. It is served in order with asyncReceiveFrom, and loses none when it is cancelled. With receiveDepth
   * above 1 a batch is what one receive has brought, and what was kept.
   */
  asyncReceiveBatch(socket: UdpHandle, callback: ReceiveBatchCallback): OperationHandle;
  asyncReceiveBatch(socket: UdpHandle, options: OperationOptions, callback: ReceiveBatchCallback): OperationHandle;
  /**
   * Sends one datagram: `data`, or the buffers of `data` one behind another; 0 bytes are one too. It must stay as it is
   * until the callback, which says that the system has taken it, not that it has arrived. Cancelled with success, it was
   * not sent.
   * @param to null sends to the peer of a connected socket.
   * The callback gets ResourceExhausted when the socket's queue is full.
   * @throws NetworkError ERR_SOCKET_DGRAM_NOT_CONNECTED,
   * ERR_SOCKET_DGRAM_IS_CONNECTED; RangeError for more than 65507 bytes (IPv6: 65527).
   */
  asyncSendTo(
    socket: UdpHandle,
    data: Uint8Array | readonly Uint8Array[],
    to: Destination | null,
    callback: SendToCallback,
  ): OperationHandle;
  asyncSendTo(
    socket: UdpHandle,
    data: Uint8Array | readonly Uint8Array[],
    to: Destination | null,
    options: OperationOptions,
    callback: SendToCallback,
  ): OperationHandle;
  /**
   * Hands one datagram to the system in this call, without a callback: the number of its bytes, or WouldBlock when sends are waiting
   * or under way, when the system has no room for it or refuses it, and when the socket is closed. `data` may be changed at once.
   * Try it first, and give asyncSendTo what it does not take, whose callback then says why. A socket with reportUnreachable takes
   * nothing here.
   * @throws NetworkError and RangeError as asyncSendTo.
   * @see https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsasendto
   */
  trySendTo(socket: UdpHandle, data: Uint8Array | readonly Uint8Array[], to: Destination | null): number;
  /**
   * trySendTo for a list, in its order, up to the first that the system does not take: says how many it took. Nothing is sent when one of them
   * is a mistake.
   * @returns how many were taken, 0 … list.length; the rest is asyncSendTo's
   * @throws NetworkError and RangeError as asyncSendTo; TypeError for what is no list.
   */
  trySendMany(socket: UdpHandle, list: readonly OutgoingDatagram[]): number;
  /**
   * Fixes the peer: datagrams go there, and come from there only. (What had come from others before is still delivered.)
   * On a socket that is closed it does nothing, as disconnectUdp, joinGroup and leaveGroup.
   * @throws NetworkError, among others ERR_SOCKET_DGRAM_IS_CONNECTED; call disconnectUdp first.
   */
  connectUdp(socket: UdpHandle, address: string, port: number): void;
  /** Undoes connectUdp. What was sent before still goes to that peer. @throws NetworkError ERR_SOCKET_DGRAM_NOT_CONNECTED. */
  disconnectUdp(socket: UdpHandle): void;
  /**
   * Receives what is sent to a multicast group from now on.
   * @param group IPv4 (224.0.0.0/4) or IPv6 (ff00::/8) text, of the socket's family.
   */
  joinGroup(socket: UdpHandle, group: string, options?: GroupOptions): void;
  /** Undoes joinGroup; the options must be the same. Closing the socket leaves all groups. */
  leaveGroup(socket: UdpHandle, group: string, options?: GroupOptions): void;
}
