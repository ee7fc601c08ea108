/** Calls of the contract, and the places inside them in which the caller's own code runs. */
import { createHook } from 'node:async_hooks';
import { expect } from 'chai';
import type { AnyHandle, NetworkPal, OperationOptions, SocketHandle, UdpHandle } from '../../src/index.ts';
import type { Bed } from './beds.ts';
import { pair } from './io.ts';

/** A call of the contract with what it needs, made ready. */
interface Prepared {
  readonly pal: NetworkPal;
  /** The socket that it is made on; null for one that makes its own. */
  readonly handle: AnyHandle | null;
  readonly call: (options: OperationOptions, callback: (error: Error | null, value?: unknown) => void) => void;
}

interface Call {
  /** The type of its resource, without the package's name. */
  readonly type: string;
  readonly takesSignal: boolean;
  readonly isConnection: boolean;
  readonly prepare: (pal: NetworkPal, bed: Bed) => Promise<Prepared>;
}

const FILE = 'within-a-call.bin';

async function onConnection(
  pal: NetworkPal,
  call: (socket: SocketHandle, ...rest: Parameters<Prepared['call']>) => void,
): Promise<Prepared> {
  const { client } = await pair(pal);
  return { pal, handle: client, call: (options, callback) => call(client, options, callback) };
}

function onServer(
  pal: NetworkPal,
  call: (server: ReturnType<NetworkPal['createServer']>, ...rest: Parameters<Prepared['call']>) => void,
): Promise<Prepared> {
  const server = pal.createServer('127.0.0.1', 0);
  return Promise.resolve({
    pal,
    handle: server.handle,
    call: (options, callback) => call(server, options, callback),
  });
}

function onUdp(
  pal: NetworkPal,
  call: (socket: UdpHandle, ...rest: Parameters<Prepared['call']>) => void,
): Promise<Prepared> {
  const { handle } = pal.createUdpSocket('127.0.0.1', 0);
  return Promise.resolve({ pal, handle, call: (options, callback) => call(handle, options, callback) });
}

const connection = { takesSignal: true, isConnection: true };
const other = { takesSignal: true, isConnection: false };

export const calls: Readonly<Record<string, Call>> = {
  asyncRead: {
    ...connection,
    type: 'read',
    prepare: (pal) =>
      onConnection(pal, (socket, options, done) => {
        pal.asyncRead(socket, new Uint8Array(1), 1, options, done);
      }),
  },
  asyncReadView: {
    ...connection,
    type: 'read',
    prepare: (pal) =>
      onConnection(pal, (socket, options, done) => {
        pal.asyncReadView(socket, options, done);
      }),
  },
  asyncDrain: {
    ...connection,
    type: 'drain',
    prepare: (pal) =>
      onConnection(pal, (socket, options, done) => {
        pal.asyncDrain(socket, 0, options, done);
      }),
  },
  asyncWrite: {
    ...connection,
    type: 'write',
    prepare: (pal) =>
      onConnection(pal, (socket, options, done) => {
        pal.asyncWrite(socket, Buffer.from('x'), options, done);
      }),
  },
  'asyncWrite of nothing': {
    ...connection,
    type: 'write',
    prepare: (pal) =>
      onConnection(pal, (socket, options, done) => {
        pal.asyncWrite(socket, Buffer.alloc(0), options, done);
      }),
  },
  asyncSendFile: {
    ...connection,
    type: 'sendFile',
    prepare: (pal, bed) => {
      const path = bed.putFile(FILE, new Uint8Array(10));
      return onConnection(pal, (socket, options, done) => {
        pal.asyncSendFile(socket, path, options, done);
      });
    },
  },
  'asyncSendFile with onProgress': {
    ...connection,
    type: 'sendFile',
    prepare: (pal, bed) => {
      const path = bed.putFile(FILE, new Uint8Array(10));
      return onConnection(pal, (socket, options, done) => {
        pal.asyncSendFile(socket, path, { ...options, onProgress: () => undefined }, done);
      });
    },
  },
  asyncAccept: {
    ...other,
    type: 'accept',
    prepare: (pal) =>
      onServer(pal, ({ handle }, options, done) => {
        pal.asyncAccept(handle, options, done);
      }),
  },
  'asyncAccept on a server with deferAssociation': {
    ...other,
    type: 'accept',
    prepare: (pal) => {
      const { handle } = pal.createServer('127.0.0.1', 0, { deferAssociation: true });
      return Promise.resolve({ pal, handle, call: (options, done) => pal.asyncAccept(handle, options, done) });
    },
  },
  asyncReceiveFrom: {
    ...other,
    type: 'receive',
    prepare: (pal) =>
      onUdp(pal, (socket, options, done) => {
        pal.asyncReceiveFrom(socket, new Uint8Array(1), 1, options, done);
      }),
  },
  asyncReceiveBatch: {
    ...other,
    type: 'receive',
    prepare: (pal) =>
      onUdp(pal, (socket, options, done) => {
        pal.asyncReceiveBatch(socket, options, done);
      }),
  },
  asyncSendTo: {
    ...other,
    type: 'send',
    prepare: (pal) =>
      onUdp(pal, (socket, options, done) => {
        pal.asyncSendTo(
          socket,
          Buffer.from('x'),
          { address: '127.0.0.1', port: pal.getLocalPort(socket) },
          options,
          done,
        );
      }),
  },
  asyncConnect: {
    ...connection,
    type: 'connect',
    prepare: (pal) => {
      const { address, port } = pal.createServer('127.0.0.1', 0);
      return Promise.resolve({
        pal,
        handle: null,
        call: (options, done) => pal.asyncConnect(address, port, options, done),
      });
    },
  },
  'asyncConnect by name': {
    ...connection,
    type: 'connect',
    prepare: (pal) => {
      const { port } = pal.createServer('127.0.0.1', 0);
      const lookup = (): never => expect.fail('nothing is to be looked up');
      return Promise.resolve({
        pal,
        handle: null,
        call: (options, done) => pal.asyncConnect('host.test', port, { ...options, lookup, family: 4 }, done),
      });
    },
  },
  'watch on a connection': {
    type: 'watch',
    takesSignal: false,
    isConnection: true,
    prepare: (pal) =>
      onConnection(pal, (socket, _, done) => pal.watch(socket, { readable: true, writable: true }, done)),
  },
  'watch on a server': {
    type: 'watch',
    takesSignal: false,
    isConnection: false,
    prepare: (pal) => onServer(pal, ({ handle }, _, done) => pal.watch(handle, { readable: true }, done)),
  },
  closeSocket: {
    type: 'close',
    takesSignal: false,
    isConnection: true,
    prepare: (pal) => onConnection(pal, (socket, _, done) => pal.closeSocket(socket, () => done(null))),
  },
  resetSocket: {
    type: 'close',
    takesSignal: false,
    isConnection: true,
    prepare: (pal) => onConnection(pal, (socket, _, done) => pal.resetSocket(socket, () => done(null))),
  },
};

/** Where the caller's own code runs: makes the call, and has `act` run once inside. */
export type Place = (type: string, act: () => void, call: (options: OperationOptions) => void) => void;

export const inHook: Place = (type, act, call) => {
  let due = true;
  const hook = createHook({
    init(_id, made) {
      if (!due || made !== `iocp-pal:${type}`) return;
      due = false;
      act();
    },
  });
  hook.enable();
  try {
    call({});
  } finally {
    hook.disable();
  }
  expect(due, 'a resource of the call is made').to.equal(false);
};

/** A signal as somebody may write it, with code of its own in two places. */
function signalWith(place: 'addEventListener' | 'aborted'): Place {
  return (_type, act, call) => {
    let due = true;
    const run = (here: string): void => {
      if (!due || here !== place) return;
      due = false;
      act();
    };
    const signal = {
      get aborted() {
        run('aborted');
        return false;
      },
      addEventListener: () => run('addEventListener'),
      removeEventListener: () => undefined,
    } as unknown as AbortSignal;
    call({ signal });
    expect(due, 'the signal is asked').to.equal(false);
  };
}

export const signals: Readonly<Record<string, Place>> = {
  'a signal of its own, when it is listened to': signalWith('addEventListener'),
  'a signal of its own, when it is asked whether it is aborted': signalWith('aborted'),
};
