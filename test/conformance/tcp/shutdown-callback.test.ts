/** shutdown with a callback: it says once that the FIN is on its way, or why there is none. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { NetworkErrorCode } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { seededBytes } from '../../support/bytes.ts';
import { expectClosed, thrownBy } from '../../support/errors.ts';
import { close, connect, pair, read, readToEnd, reset } from '../../support/io.ts';
import { Outcomes } from '../../support/outcomes.ts';
import { sharedPal, testPal } from '../../support/pal-fixture.ts';
import { until } from '../../support/until.ts';

const MIB = 1024 * 1024;
/** More than any kernel buffers for a peer that does not read. */
const TOO_MUCH = 32 * MIB;

onEveryBed('shutdown with a callback', (bed) => {
  const fixture = sharedPal(bed);

  it('comes behind the writes before it, when all of them have been sent', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, seededBytes(8 * MIB), outcomes.expect('first'));
    pal.asyncWrite(client, seededBytes(10), outcomes.expect('second'));
    pal.shutdown(client, 'send', outcomes.expect('shutdown'));
    expect((await readToEnd(pal, served)).length).to.equal(8 * MIB + 10);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['first ok', 'second ok', 'shutdown ok']);
  });

  it('comes in a later turn where nothing is queued, and each time', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.shutdown(client, 'send', outcomes.expect('first'));
    pal.shutdown(client, 'send', outcomes.expect('second'));
    expect(outcomes.log).to.deep.equal([]);
    expect(pal.stats().pendingCallbacks).to.equal(2);
    await outcomes.settled(bed);
    pal.shutdown(client, 'both', outcomes.expect('third'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['first ok', 'second ok', 'third ok']);
    expect((await read(pal, served)).length).to.equal(0);
  });

  it("of 'receive' does not wait for writes", async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), () => undefined);
    pal.shutdown(client, 'receive', outcomes.expect('shutdown'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['shutdown ok']);
    await reset(pal, client);
  });

  it('comes before the close callback when the close flushes what was queued', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, seededBytes(8 * MIB), outcomes.expect('write'));
    pal.shutdown(client, 'send', outcomes.expect('shutdown'));
    pal.closeSocket(client, outcomes.expect('close'));
    expect((await readToEnd(pal, served)).length).to.equal(8 * MIB);
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ok', 'shutdown ok', 'close ok']);
  });

  for (const [how, end] of [
    ['resetSocket', (pal, socket, done) => pal.resetSocket(socket, done)],
    ['closeSocket without a grace', (pal, socket, done) => pal.closeSocket(socket, { graceMs: 0 }, done)],
  ] as [string, (pal: typeof fixture.pal, socket: Parameters<typeof reset>[1], done: () => void) => void][]) {
    it(`gets ConnectionClosed with ${how}, which drops what was queued`, async () => {
      const { pal } = fixture;
      const { client } = await pair(pal);
      const outcomes = new Outcomes();
      pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
      pal.shutdown(client, 'send', outcomes.expect('shutdown'));
      end(pal, client, outcomes.expect('close'));
      await outcomes.settled(bed);
      expect(outcomes.log).to.deep.equal(['write ECANCELED', 'shutdown ECANCELED', 'close ok']);
      expectClosed(outcomes.errors.get('shutdown'));
    });
  }

  it('gets what has broken the connection before', async () => {
    const { pal } = fixture;
    const { client, served } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.shutdown(client, 'send', outcomes.expect('shutdown'));
    await reset(pal, served);
    await outcomes.settled(bed);
    const { code, kind } = outcomes.errors.get('shutdown')!;
    expect(outcomes.log).to.deep.equal([`write ${code}`, `shutdown ${code}`]);
    expect(kind).to.be.oneOf([NetworkErrorCode.ConnectionReset, NetworkErrorCode.Unknown]);
    pal.shutdown(client, 'send', outcomes.expect('again'));
    await outcomes.settled(bed);
    expect(outcomes.errors.get('again')?.code).to.equal(code);
  });

  it('gets that the stream was truncated, which the peer must not take for its end', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    const name = pal.asyncWrite(client, new Uint8Array(TOO_MUCH), outcomes.expect('write'));
    pal.shutdown(client, 'send', outcomes.expect('shutdown'));
    pal.cancel(name, { hard: true });
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['write ECANCELED', 'shutdown EPIPE']);
    await close(pal, client);
  });

  it('gets ConnectionClosed on a socket that is closing or closed', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const outcomes = new Outcomes();
    pal.asyncWrite(client, new Uint8Array(TOO_MUCH), () => undefined);
    pal.closeSocket(client);
    pal.shutdown(client, 'send', outcomes.expect('closing'));
    await outcomes.settled(bed);
    await reset(pal, client);
    for (const how of ['send', 'receive', 'both'] as const) pal.shutdown(client, how, outcomes.expect(how));
    pal.shutdown(client, 'send');
    await outcomes.settled(bed);
    for (const label of ['closing', 'send', 'receive', 'both']) expectClosed(outcomes.errors.get(label), label);
  });

  it('runs in the asynchronous context of its call', async () => {
    const { pal } = fixture;
    const { client } = await pair(pal);
    const user = new AsyncLocalStorage<string>();
    const heard: unknown[] = [];
    user.run('ann', () => pal.shutdown(client, 'send', () => heard.push(user.getStore())));
    pal.shutdown(client, 'send', () => heard.push(user.getStore()));
    await until(
      () => heard.length === 2,
      () => 'both callbacks',
      bed,
    );
    expect(heard).to.deep.equal(['ann', undefined]);
  });

  it('must be a function, and of a socket that is connected', async () => {
    const { pal } = fixture;
    const { server, client } = await pair(pal);
    for (const wrong of [null, 5, {}]) {
      expect(thrownBy(() => pal.shutdown(client, 'send', wrong as never)).code).to.equal('ERR_INVALID_ARG_TYPE');
    }
    const connecting = pal.asyncConnect(server.address, server.port, {}, () => undefined);
    expect(thrownBy(() => pal.shutdown(connecting, 'send', () => undefined)).code).to.equal('ENOTCONN');
  });
});

onEveryBed('shutdown with a callback, and a stop', (bed) => {
  const fixture = testPal(bed);

  it('is answered during the stop and after it', async () => {
    const { pal } = fixture;
    const server = pal.createServer('127.0.0.1', 0);
    const client = await connect(pal, server.address, server.port);
    const outcomes = new Outcomes();
    pal.shutdown(client, 'send', outcomes.expect('before'));
    const stopped = pal.stopEventLoop();
    pal.shutdown(client, 'send', outcomes.expect('during'));
    await stopped;
    pal.shutdown(client, 'send', outcomes.expect('after'));
    await outcomes.settled(bed);
    expect(outcomes.log).to.deep.equal(['before ok', 'during ECANCELED', 'after ECANCELED']);
  });
});
