/**
 * Socket: node:dgram's, on a UDP socket of the PAL.
 *
 * What is bound to a descriptor or a native handle, or in a worker of a cluster, has a socket of Node's below it.
 * Source: https://nodejs.org/api/dgram.html#class-dgramsocket
 */
import { channel } from 'node:diagnostics_channel';
import type dgram from 'node:dgram';
import { errorMonitor, EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import { nextTick } from '../platform/node-timers.ts';
import { SocketOption } from '../pal/socket-option.ts';
import { becomeClass, hasPrototype } from '../node-shape/callable-class.ts';
import { isBlockedBy, isBlockList } from '../node-shape/block-list.ts';
import { blockedAddress, refuse, systemError } from '../node-shape/errors.ts';
import { threadPal } from '../node-shape/thread-pal.ts';
import { readBindArguments, type Place } from './bind-arguments.ts';
import { alreadyBound, alreadyConnected, inNodesWords, notConnected, notRunning, refuseOnSocket } from './errors.ts';
import { Lookup, type LookupFunction } from './lookup.ts';
import { NodeSocket } from './node-socket.ts';
import { becomeNodes } from './nodes-own.ts';
import { portOf, readSendArguments, type Sending } from './send-arguments.ts';
import { SocketState, state, type SocketOptions } from './socket-state.ts';
import { interfaceOf, UdpChannel, type BufferOption, type ChannelOwner } from './udp-channel.ts';
import type { Endpoint } from '../pal/handles.ts';

const sockets = channel('udp.socket');

type Callback = (...args: unknown[]) => void;

/** Everything of a Socket but its constructor. */
export class UdpSocket extends EventEmitter implements ChannelOwner {
  declare readonly [state]: SocketState;
  declare type: dgram.SocketType;

  // What the channel says

  received(message: Buffer, { address, family, port }: Endpoint): void {
    if (isBlockedBy(this[state].options.receiveBlockList, address, family)) return;
    const { length: size } = message;
    this.emit('message', message, { address, family: family === 4 ? 'IPv4' : 'IPv6', port, size });
  }

  failed(error: Error): void {
    this.emit('error', error);
  }

  // Binding and connecting

  bind(...args: unknown[]): this {
    const own = requireRunning(this);
    if (own.bound !== 'no') throw alreadyBound();
    own.bound = 'under way';
    const callback = args.at(-1);
    if (typeof callback === 'function') onceListening(this, callback as Callback);
    const place = readBindArguments(args, own.family);
    if (place === null) {
      bindNodes(
        this,
        args.filter((argument) => typeof argument !== 'function'),
      );
      return this;
    }
    own.lookup.find(place.address, (error, address) => {
      if (own.closed) return;
      if (error) return bindFailed(this, error);
      if (place.isClusters && own.options.reusePort !== true) bindNodes(this, [{ ...place, address }]);
      else bindTo(this, { ...place, address });
    });
    return this;
  }

  connect(port: unknown, address?: unknown, callback?: unknown): void {
    const number = portOf(port);
    const [text, listener] = typeof address === 'function' ? ['', address] : [address ?? '', callback];
    if (typeof text !== 'string') refuseOnSocket((socket) => socket.connect(number, text as string));
    const own = requireRunning(this);
    if (own.connected !== 'no') throw alreadyConnected();
    own.connected = 'under way';
    whenBound(this, () => connectTo(this, number, text, listener as Callback | undefined));
  }

  disconnect(): void {
    const own = this[state];
    if (own.connected !== 'yes') throw notConnected();
    own.udp?.disconnect();
    own.connected = 'no';
  }

  // Sending

  send(...args: unknown[]): void {
    const sending = readSendArguments(this[state].connected === 'yes', args);
    requireRunning(this);
    whenBound(this, () => deliver(this, sending));
  }

  /** An old form of send(). */
  sendto(...args: unknown[]): void {
    const [, offset, length, port, address] = args;
    const numbers = [offset, length, port].every((value) => typeof value === 'number');
    if (!numbers || typeof address !== 'string') {
      refuseOnSocket((socket) => Reflect.apply(Reflect.get(socket, 'sendto') as Callback, socket, args));
    }
    this.send(...args);
  }

  getSendQueueSize(): number {
    return this[state].udp?.bytesQueued ?? 0;
  }

  getSendQueueCount(): number {
    return this[state].udp?.sendsQueued ?? 0;
  }

  // Its end

  close(callback?: () => void): this {
    const own = this[state];
    if (typeof callback === 'function') this.on('close', callback);
    if (own.queue !== undefined) {
      own.queue.push(() => this.close());
      return this;
    }
    requireRunning(this);
    own.closed = true;
    const { udp } = own;
    const closed = (): void => void this.emit('close');
    // The callbacks of what is being sent come before.
    if (udp !== null && udp.sendsQueued > 0) udp.close(closed);
    else {
      udp?.close();
      nextTick(closed);
    }
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this[state].closed) return;
    await new Promise<void>((resolve) => this.close(resolve));
  }

  // Its two ends

  address(): AddressInfo {
    const { udp } = requireRunning(this);
    if (udp === null) throw systemError('EBADF', 'getsockname');
    return addressInfo(udp.localEnd());
  }

  remoteAddress(): AddressInfo {
    const { connected, udp } = requireRunning(this);
    if (connected !== 'yes' || udp === null) throw notConnected();
    return addressInfo(udp.remoteEnd());
  }

  // Options

  setBroadcast(on: unknown): void {
    bound(this, 'setBroadcast').setOption(SocketOption.Broadcast, Boolean(on), 'setBroadcast');
  }

  setTTL(ttl: number): number {
    requireNumber('setTTL', ttl);
    bound(this, 'setTTL').setOption(SocketOption.TTL, ttl, 'setTTL');
    return ttl;
  }

  setMulticastTTL(ttl: number): number {
    requireNumber('setMulticastTTL', ttl);
    // -1 is the system's default, which is this network only.
    bound(this, 'setMulticastTTL').setOption(SocketOption.MulticastTTL, ttl === -1 ? 1 : ttl, 'setMulticastTTL');
    return ttl;
  }

  setMulticastLoopback<Value>(on: Value): Value {
    bound(this, 'setMulticastLoopback').setOption(SocketOption.MulticastLoop, Boolean(on), 'setMulticastLoopback');
    return on;
  }

  setMulticastInterface(name: string): void {
    const { family } = requireRunning(this);
    requireText('setMulticastInterface', name);
    const value = inNodesWords('setMulticastInterface', {}, () => interfaceOf(family, name));
    bound(this, 'setMulticastInterface').setOption(SocketOption.MulticastInterface, value, 'setMulticastInterface');
  }

  setRecvBufferSize(size: number): void {
    setBufferSize(this, 'setRecvBufferSize', SocketOption.ReceiveBufferSize, size);
  }

  setSendBufferSize(size: number): void {
    setBufferSize(this, 'setSendBufferSize', SocketOption.SendBufferSize, size);
  }

  getRecvBufferSize(): number {
    const { udp } = requireRunning(this);
    return udp?.getBufferSize(SocketOption.ReceiveBufferSize) ?? refuseOnSocket((socket) => socket.getRecvBufferSize());
  }

  getSendBufferSize(): number {
    const { udp } = requireRunning(this);
    return udp?.getBufferSize(SocketOption.SendBufferSize) ?? refuseOnSocket((socket) => socket.getSendBufferSize());
  }

  // Groups

  addMembership(group: string, on?: string): void {
    changeMembership(this, 'addMembership', true, group, on);
  }

  dropMembership(group: string, on?: string): void {
    changeMembership(this, 'dropMembership', false, group, on);
  }

  addSourceSpecificMembership(source: string, group: string, on?: string): void {
    changeSourceMembership(this, 'addSourceSpecificMembership', true, [source, group, on]);
  }

  dropSourceSpecificMembership(source: string, group: string, on?: string): void {
    changeSourceMembership(this, 'dropSourceSpecificMembership', false, [source, group, on]);
  }

  ref(): this {
    this[state].referenced = true;
    this[state].udp?.ref();
    return this;
  }

  unref(): this {
    this[state].referenced = false;
    this[state].udp?.unref();
    return this;
  }
}

/** What a socket of Node's does in the place of ours. */
const METHODS = Object.getOwnPropertyNames(UdpSocket.prototype).filter(
  (name) => !['constructor', 'received', 'failed'].includes(name),
);

type SocketConstructor = (new (type: SocketOptions | dgram.SocketType, listener?: Callback) => UdpSocket) &
  ((type: SocketOptions | dgram.SocketType, listener?: Callback) => UdpSocket);

/** The constructor. */
function construct(this: unknown, type?: unknown, listener?: unknown): unknown {
  if (!hasPrototype(this, UdpSocket.prototype)) return Reflect.construct(Socket, [type, listener]);
  begin(this as UdpSocket, type, listener);
  return undefined;
}

/** dgram.Socket: with or without `new`, and to inherit from. */
export const Socket = construct as unknown as SocketConstructor;
becomeClass(construct, 'Socket', UdpSocket.prototype, NodeSocket, EventEmitter);

function begin(socket: UdpSocket, given: unknown, listener: unknown): void {
  const options = (typeof given === 'object' && given !== null ? { ...given } : { type: given }) as SocketOptions;
  const { type, lookup, signal, receiveBlockList, sendBlockList } = options;
  const right =
    ((type as unknown) === 'udp4' || (type as unknown) === 'udp6') &&
    (lookup === undefined || typeof lookup === 'function') &&
    [options.recvBufferSize, options.sendBufferSize].every((size) => !size || isUint32(size)) &&
    [receiveBlockList, sendBlockList].every((list) => !list || isBlockList(list)) &&
    (signal === undefined || isSignal(signal));
  if (!right) refuse(() => new NodeSocket(given as SocketOptions));
  Reflect.apply(EventEmitter as unknown as Callback, socket, []);
  const family = type === 'udp4' ? 4 : 6;
  const own = new SocketState(family, options, new Lookup(family, lookup as LookupFunction | undefined));
  Object.defineProperty(socket, state, { value: own });
  socket.type = type;
  if (typeof listener === 'function') socket.on('message', listener as Callback);
  if (signal !== undefined) closeOnAbort(socket, signal);
  if (sockets.hasSubscribers) sockets.publish({ socket });
}

function closeOnAbort(socket: UdpSocket, signal: AbortSignal): void {
  const close = (): void => {
    if (!socket[state].closed) socket.close();
  };
  if (signal.aborted) return close();
  signal.addEventListener('abort', close, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', close));
}

function requireRunning(socket: UdpSocket): SocketState {
  const own = socket[state];
  if (own.closed) throw notRunning();
  return own;
}

/** The socket of the PAL. Before there is one, libuv says that there is none. */
function bound(socket: UdpSocket, syscall: string): UdpChannel {
  const { udp } = requireRunning(socket);
  if (udp === null) throw systemError('EBADF', syscall);
  return udp;
}

/** Calls it when the socket is bound, unless binding fails before. */
function onceListening(socket: UdpSocket, callback: Callback): void {
  const remove = (): void => {
    socket.removeListener('error', remove);
    socket.removeListener('listening', listening);
  };
  const listening = (): void => {
    remove();
    Reflect.apply(callback, socket, []);
  };
  socket.on('error', remove);
  socket.on('listening', listening);
}

function bindTo(socket: UdpSocket, { address, port }: Place): void {
  const own = socket[state];
  const { reuseAddr, reusePort, ipv6Only, recvBufferSize, sendBufferSize } = own.options;
  try {
    // Windows has no such option: the system chooses no socket by itself.
    if (reusePort === true) throw systemError('ENOTSUP', 'bind', { address, port: port as number });
    const options = { reuseAddr: Boolean(reuseAddr), ipv6Only: Boolean(ipv6Only) };
    // (Who has joined a group has been bound by that.)
    own.udp ??= UdpChannel.bind(threadPal(), own.family, address, port, options);
  } catch (error) {
    return bindFailed(socket, error as Error);
  }
  own.bound = 'yes';
  if (!own.referenced) own.udp.unref();
  own.context.runInAsyncScope(() => own.udp?.receive(socket));
  if (recvBufferSize) socket.setRecvBufferSize(recvBufferSize);
  if (sendBufferSize) socket.setSendBufferSize(sendBufferSize);
  socket.emit('listening');
}

function bindFailed(socket: UdpSocket, error: Error): void {
  socket[state].bound = 'no';
  socket.emit('error', error);
}

function bindNodes(socket: UdpSocket, args: readonly unknown[]): void {
  const { options, referenced } = socket[state];
  const node = becomeNodes(socket, METHODS, options);
  if (!referenced) node.unref();
  Reflect.apply(Reflect.get(node, 'bind') as Callback, node, args);
}

/** Does it now, or when the socket is bound, which it is made now. What fails in binding is forgotten with it. */
function whenBound(socket: UdpSocket, action: () => void): void {
  const own = socket[state];
  if (own.bound === 'no') socket.bind({ port: 0, exclusive: true });
  if (own.bound === 'yes') return action();
  if (own.queue === undefined) {
    own.queue = [];
    const forget = (): void => {
      socket.removeListener('listening', flush);
      own.queue = undefined;
    };
    const flush = (): void => {
      socket.removeListener(errorMonitor, forget);
      const queue = own.queue ?? [];
      own.queue = undefined;
      for (const queued of queue) queued();
    };
    socket.once(errorMonitor, forget);
    socket.once('listening', flush);
  }
  own.queue.push(action);
}

function connectTo(socket: UdpSocket, port: number, text: string, callback: Callback | undefined): void {
  const own = socket[state];
  if (callback !== undefined) socket.once('connect', callback);
  own.lookup.find(text, (error, address) => {
    if (own.closed) return;
    try {
      if (error) throw error;
      if (isBlockedBy(own.options.sendBlockList, address, own.family)) throw blockedAddress(address);
      own.udp?.connect(address, port, { address: text, port });
    } catch (failure) {
      own.connected = 'no';
      return nextTick(connectFailed, socket, failure, callback);
    }
    own.connected = 'yes';
    nextTick(() => socket.emit('connect'));
  });
}

function connectFailed(socket: UdpSocket, error: Error, callback: Callback | undefined): void {
  if (callback === undefined) return void socket.emit('error', error);
  socket.removeListener('connect', callback);
  callback(error);
}

function deliver(socket: UdpSocket, sending: Sending): void {
  const { lookup, udp } = socket[state];
  if (udp === null) return;
  const { address, port } = sending;
  if (port === 0) return sendTo(socket, sending, null);
  const known = lookup.known(address);
  if (known !== null) return sendTo(socket, sending, known);
  lookup.find(address, (error, found) => {
    const { callback } = sending;
    if (!error) return sendTo(socket, sending, found);
    nextTick(() => (callback === undefined ? socket.emit('error', error) : callback(error)));
  });
}

/** @param address null is the peer of connect() */
function sendTo(socket: UdpSocket, { list, port, address: text, callback }: Sending, address: string | null): void {
  const own = socket[state];
  const { udp } = own;
  if (own.closed || udp === null) return;
  if (address !== null && isBlockedBy(own.options.sendBlockList, address, own.family)) {
    if (callback !== undefined) nextTick(callback, blockedAddress(address));
    return;
  }
  const to = address === null ? null : { address, port };
  udp.send(list, to, { address: text, port }, callback);
}

function addressInfo({ address, family, port }: Endpoint): AddressInfo {
  return { address, family: `IPv${family}`, port };
}

function setBufferSize(
  socket: UdpSocket,
  method: 'setRecvBufferSize' | 'setSendBufferSize',
  option: BufferOption,
  size: number,
): void {
  const { udp } = requireRunning(socket);
  if (!isUint32(size) || udp === null) refuseOnSocket((asked) => asked[method](size));
  udp.setBufferSize(option, size);
}

/** libuv binds who joins a group before, to a port of the system's choice. */
function channelForGroup(socket: UdpSocket): UdpChannel {
  const own = socket[state];
  if (own.udp === null) {
    own.udp = UdpChannel.bindAnywhere(threadPal(), own.family);
    if (!own.referenced) own.udp.unref();
  }
  return own.udp;
}

function changeMembership(
  socket: UdpSocket,
  method: 'addMembership' | 'dropMembership',
  join: boolean,
  group: string,
  on: string | undefined,
): void {
  requireRunning(socket);
  if (!group) refuseOnSocket((asked) => asked[method](group));
  channelForGroup(socket).changeMembership(join, group, on, undefined, method);
}

function changeSourceMembership(
  socket: UdpSocket,
  method: 'addSourceSpecificMembership' | 'dropSourceSpecificMembership',
  join: boolean,
  [source, group, on]: readonly [source: string, group: string, on: string | undefined],
): void {
  requireRunning(socket);
  if (typeof source !== 'string' || typeof group !== 'string') refuseOnSocket((asked) => asked[method](source, group));
  channelForGroup(socket).changeMembership(join, group, on, source, method);
}

function requireNumber(method: 'setTTL' | 'setMulticastTTL', value: unknown): void {
  if (typeof value !== 'number') refuseOnSocket((asked) => asked[method](value as number));
}

function requireText(method: 'setMulticastInterface', value: unknown): void {
  if (typeof value !== 'string') refuseOnSocket((asked) => asked[method](value as string));
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && value >>> 0 === value;
}

function isSignal(value: unknown): value is AbortSignal {
  return typeof value === 'object' && value !== null && 'aborted' in value;
}
