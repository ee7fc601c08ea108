/** A signal of the caller's own making is told when its call has ended, and may close the socket or stop the loop there. */
import { expect } from 'chai';
import type { AnyHandle, NetworkPal, OperationOptions } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { pair } from '../../support/io.ts';
import { sharedPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';

const ignore = (): void => undefined;

/** Makes a call that succeeds. Returns the socket that it is made on. */
type Call = (pal: NetworkPal, options: OperationOptions, done: () => void) => Promise<AnyHandle>;

const calls: Readonly<Record<string, Call>> = {
  async asyncRead(pal, options, done) {
    const { client, served } = await pair(pal);
    pal.asyncRead(served, new Uint8Array(1), 1, options, done);
    pal.asyncWrite(client, Buffer.from('x'), ignore);
    return served;
  },
  async asyncReadView(pal, options, done) {
    const { client, served } = await pair(pal);
    pal.asyncReadView(served, options, done);
    pal.asyncWrite(client, Buffer.from('x'), ignore);
    return served;
  },
  async asyncDrain(pal, options, done) {
    const { client } = await pair(pal);
    pal.asyncWrite(client, Buffer.from('x'), ignore);
    pal.asyncDrain(client, 0, options, done);
    return client;
  },
  async asyncWrite(pal, options, done) {
    const { client } = await pair(pal);
    pal.asyncWrite(client, Buffer.from('x'), options, done);
    return client;
  },
  asyncReceiveFrom(pal, options, done) {
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    pal.asyncReceiveFrom(socket.handle, new Uint8Array(1), 1, options, done);
    pal.asyncSendTo(socket.handle, Buffer.from('x'), socket, ignore);
    return Promise.resolve(socket.handle);
  },
  asyncReceiveBatch(pal, options, done) {
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    pal.asyncReceiveBatch(socket.handle, options, done);
    pal.asyncSendTo(socket.handle, Buffer.from('x'), socket, ignore);
    return Promise.resolve(socket.handle);
  },
  asyncSendTo(pal, options, done) {
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    pal.asyncSendTo(socket.handle, Buffer.from('x'), socket, options, done);
    return Promise.resolve(socket.handle);
  },
  asyncAccept(pal, options, done) {
    const { handle, address, port } = pal.createServer('127.0.0.1', 0);
    pal.asyncAccept(handle, options, done);
    pal.asyncConnect(address, port, {}, ignore);
    return Promise.resolve(handle);
  },
  asyncConnect(pal, options, done) {
    const { address, port } = pal.createServer('127.0.0.1', 0);
    return Promise.resolve(pal.asyncConnect(address, port, options, done));
  },
};

onEveryBed('the end of a call removes its listener from a signal of the caller’s own', (bed) => {
  const fixture = sharedPal(bed);

  for (const [name, call] of Object.entries(calls)) {
    for (const how of ['closeSocket', 'stopEventLoop'] as const) {
      it(`${name}: ${how} there ends`, async () => {
        const { pal } = fixture;
        const handles: AnyHandle[] = [];
        let ended = false;
        let callbacks = 0;
        const signal = {
          aborted: false,
          addEventListener: ignore,
          removeEventListener() {
            const over = (): void => void (ended = true);
            const [handle] = handles;
            if (how === 'stopEventLoop') void pal.stopEventLoop().then(over);
            else if (handle !== undefined) pal.closeSocket(handle, over);
          },
        } as unknown as AbortSignal;
        handles.push(await call(pal, { signal }, () => callbacks++));
        await until(
          () => ended && callbacks > 0,
          () => `the callback and the end, not ${callbacks} and ${ended}: ${pal.describe()}`,
          bed,
        );
        await turns(5, bed);
        expect(callbacks).to.equal(1);
      });
    }
  }
});
