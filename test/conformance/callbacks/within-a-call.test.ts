/**
 * The caller's own code may run inside a call, after the call has looked at its socket: a hook of async_hooks that sees the call's
 * resource being made, a signal of the caller's own making. Whatever it does there, each call has its one callback.
 */
import { expect } from 'chai';
import type { AnyHandle, NetworkPal, SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed } from '../../support/errors.ts';
import { pair, read, readExactly, write } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';
import { turns, until } from '../../support/until.ts';
import { calls, inHook, signals } from '../../support/within-a-call.ts';

type End = (pal: NetworkPal, handle: AnyHandle) => Promise<void>;
const close: End = (pal, handle) => new Promise((resolve) => pal.closeSocket(handle, resolve));
const reset: End = (pal, handle) => new Promise((resolve) => pal.resetSocket(handle as SocketHandle, resolve));
const stop: End = (pal) => pal.stopEventLoop();

/** The connection that is being made: what a call has not returned yet is in inspect(). */
function newest(pal: NetworkPal, before: readonly AnyHandle[]): AnyHandle {
  const [fresh] = handles(pal).filter((handle) => !before.includes(handle));
  return fresh ?? expect.fail('no socket is being made');
}

function handles(pal: NetworkPal): AnyHandle[] {
  return pal.inspect().sockets.map(({ handle }) => handle);
}

onEveryBed('a socket that is ended inside a call on it', (bed) => {
  const fixture = sharedPal(bed);

  for (const [name, { type, takesSignal, isConnection, prepare }] of Object.entries(calls)) {
    const places = { 'a hook of async_hooks': inHook, ...(takesSignal ? signals : {}) };
    const ends = { closeSocket: close, ...(isConnection ? { resetSocket: reset } : {}), stopEventLoop: stop };
    for (const [where, place] of Object.entries(places)) {
      for (const [how, end] of Object.entries(ends)) {
        it(`${name}: ${how} in ${where}`, async () => {
          const { pal } = fixture;
          const { call, handle } = await prepare(pal, bed);
          const known = handles(pal);
          const calledBack: (Error | null)[] = [];
          let ended = false;
          const act = (): void => {
            void end(pal, handle ?? (how === 'stopEventLoop' ? (0 as AnyHandle) : newest(pal, known))).then(
              () => (ended = true),
            );
          };
          place(type, act, (options) => call(options, (error) => calledBack.push(error)));
          expect(calledBack.length, 'nothing is called back inside the call').to.equal(0);
          await until(
            () => ended && calledBack.length > 0,
            () => `the callback and the end, not ${calledBack.length} and ${ended}: ${pal.describe()}`,
            bed,
          );
          await turns(5, bed);
          expect(calledBack.length, 'callbacks').to.equal(1);
          if (type === 'close') expect(calledBack[0]).to.equal(null);
          else expectClosed(calledBack[0] as never, name);
          if (how === 'stopEventLoop')
            expect(pal.stats()).to.include({ pendingCallbacks: 0, sockets: 0, queuedBytes: 0 });
        });
      }
    }
  }
});

onEveryBed('a call inside another one of its kind', (bed) => {
  const fixture = sharedPal(bed);

  it('asyncRead: both get what comes, the inner one first', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const [inner, outer] = [new Uint8Array(1), new Uint8Array(1)];
    const readInner = (): void => void pal.asyncRead(served, inner, 1, outcomes.expect('inner'));
    inHook('read', readInner, () => pal.asyncRead(served, outer, 1, outcomes.expect('outer')));
    expect(pal.stats().operations.receive, 'receives under way').to.equal(1);
    await write(pal, client, Buffer.from('ab'));
    await outcomes.settled(bed);
    expect([outcomes.log, Buffer.from([...inner, ...outer]).toString()]).to.deep.equal([
      ['inner ok', 'outer ok'],
      'ab',
    ]);
  });

  it('asyncWrite: both are sent, the inner one first', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    const [inner, outer] = [seededBytes(200_000), seededBytes(100_000)];
    const writeInner = (): void => void pal.asyncWrite(client, inner, outcomes.expect('inner'));
    inHook('write', writeInner, () => pal.asyncWrite(client, outer, outcomes.expect('outer')));
    expect(pal.stats().operations.send, 'sends under way').to.equal(1);
    const received = await readExactly(pal, served, 300_000);
    await outcomes.settled(bed);
    expect(received.equals(Buffer.concat([inner, outer]))).to.equal(true);
    expect(outcomes.log).to.deep.equal(['inner ok', 'outer ok']);
  });

  for (const [inside, outside] of [
    ['asyncReceiveFrom', 'receive'],
    ['asyncSendTo', 'send'],
  ] as const) {
    it(`${inside}: both are carried out`, async () => {
      const { pal } = fixture;
      const { handle, address, port } = pal.createUdpSocket('127.0.0.1', 0);
      const outcomes = new Outcomes();
      const to = { address, port };
      const call = (label: string): void => {
        if (inside === 'asyncSendTo') pal.asyncSendTo(handle, Buffer.from('x'), to, outcomes.expect(label));
        else pal.asyncReceiveFrom(handle, new Uint8Array(1), 1, outcomes.expect(label));
      };
      inHook(
        outside,
        () => call('inner'),
        () => call('outer'),
      );
      for (const label of ['one', 'two']) {
        if (inside === 'asyncSendTo') pal.asyncReceiveFrom(handle, new Uint8Array(1), 1, outcomes.expect(label));
        else pal.asyncSendTo(handle, Buffer.from('x'), to, outcomes.expect(label));
      }
      await outcomes.settled(bed);
      expect([...outcomes.log].sort()).to.deep.equal(['inner ok', 'one ok', 'outer ok', 'two ok']);
    });
  }
});

onEveryBed('what else happens inside a call', (bed) => {
  const fixture = sharedPal(bed);

  it('a half-close in the hook of a write: the write comes after the end', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    inHook(
      'write',
      () => pal.shutdown(client, 'send'),
      () => pal.asyncWrite(client, Buffer.from('x'), outcomes.expect('write')),
    );
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write EPIPE']);
    expect((await read(pal, served)).length).to.equal(0);
  });

  it('a half-close in the hook of a read: it reads the end', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    inHook(
      'read',
      () => pal.shutdown(client, 'receive'),
      () => pal.asyncRead(client, new Uint8Array(1), 1, outcomes.expect('read')),
    );
    await outcomes.settled(bed);
    expect([outcomes.log, outcomes.values.get('read')]).to.deep.equal([['read ok'], 0]);
  });

  for (const [name, { type, takesSignal, prepare }] of Object.entries(calls)) {
    if (!takesSignal) continue;
    it(`${name}: its signal is aborted in a hook`, async () => {
      const { pal } = fixture;
      const { call } = await prepare(pal, bed);
      const controller = new AbortController();
      const outcomes = new Outcomes();
      const done = outcomes.expect(name) as (error: Error | null) => void;
      inHook(
        type,
        () => controller.abort(),
        () => call({ signal: controller.signal }, done),
      );
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal([`${name} ABORT_ERR`]);
    });
  }
});

onEveryBed('a write inside another one', (bed) => {
  const maxQueuedBytesPerSocket = 1024 * 1024;
  const fixture = testPal(bed, { maxQueuedBytesPerSocket });

  it('that takes all the room: the outer one is refused', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    const all = new Uint8Array(maxQueuedBytesPerSocket);
    const fill = (): void => void pal.asyncWrite(client, all, outcomes.expect('inner'));
    inHook('write', fill, () => pal.asyncWrite(client, all, outcomes.expect('outer')));
    expect(pal.getQueuedBytes(client)).to.equal(maxQueuedBytesPerSocket);
    pal.resetSocket(client);
    await outcomes.settled(bed);
    expect(outcomes.errors.get('outer')?.message).to.contain('maxQueuedBytesPerSocket');
  });
});
