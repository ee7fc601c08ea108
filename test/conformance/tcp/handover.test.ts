/** Connections that move from one loop of a process to another. */
import { expect } from 'chai';
import { NetworkErrorCode, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { onEveryBed } from '../../support/beds.ts';
import { rejectionOf, thrownBy } from '../../support/errors.ts';
import { accept, close, connect, pair, read, readExactly, write } from '../../support/io.ts';
import { testPal } from '../../support/pal-fixture.ts';

onEveryBed('transfer and receiveTransfer', (bed) => {
  let shared = {};
  const here = testPal(bed, () => (shared = bed.oneProcess?.() ?? {}));
  const there = testPal(bed, () => shared);

  /** A connection that `here` has accepted and not touched. */
  const untouched = (pal: NetworkPal): ReturnType<typeof pair> => pair(pal, { deferAssociation: true });
  const text = async (pal: NetworkPal, socket: SocketHandle): Promise<string> => (await read(pal, socket)).toString();

  it('a connection goes to another loop with the bytes that were on their way', async () => {
    const { client, served } = await untouched(here.pal);
    await write(here.pal, client, Buffer.from('early'));
    const port = here.pal.getRemotePort(served);
    const received = there.pal.receiveTransfer(structuredClone(here.pal.transfer(served)));
    expect(there.pal.getRemotePort(received)).to.equal(port);
    expect(there.pal.getRemoteAddress(received)).to.equal('127.0.0.1');
    expect(await text(there.pal, received)).to.equal('early');
    await write(there.pal, received, Buffer.from('answer'));
    expect(await text(here.pal, client)).to.equal('answer');
    await close(here.pal, client);
    expect(await text(there.pal, received)).to.equal('');
  });

  it('the handle that was transferred is that of a closed socket', async () => {
    const { served } = await untouched(here.pal);
    there.pal.receiveTransfer(here.pal.transfer(served));
    expect(thrownBy(() => here.pal.transfer(served)).code).to.equal('ERR_SOCKET_CLOSED');
    expect((await rejectionOf(write(here.pal, served, Buffer.from('x')))).kind).to.equal(
      NetworkErrorCode.ConnectionClosed,
    );
    await close(here.pal, served);
    expect(here.pal.stats().sockets).to.equal(2);
    expect(there.pal.stats().sockets).to.equal(1);
  });

  it('a token is used once, whichever copy of it', async () => {
    const { served } = await untouched(here.pal);
    const token = here.pal.transfer(served);
    const copy = structuredClone(token);
    there.pal.receiveTransfer(token);
    expect(thrownBy(() => there.pal.receiveTransfer(copy)).code).to.equal('ERR_TOKEN_USED');
    expect(thrownBy(() => here.pal.receiveTransfer(token)).code).to.equal('ERR_TOKEN_USED');
  });

  it('a received connection can go on, and come back', async () => {
    const { client, served } = await untouched(here.pal);
    const back = here.pal.receiveTransfer(there.pal.transfer(there.pal.receiveTransfer(here.pal.transfer(served))));
    await write(here.pal, back, Buffer.from('home'));
    expect(await text(here.pal, client)).to.equal('home');
  });

  it('asking and setting options leaves it free to go; what reads, writes or watches does not', async () => {
    const { client, served } = await untouched(here.pal);
    here.pal.setSocketOption(served, 'NoDelay', true);
    here.pal.getRemoteAddress(served);
    here.pal.getLocalPort(served);
    here.pal.getQueuedBytes(served);
    const received = there.pal.receiveTransfer(here.pal.transfer(served));
    expect(there.pal.getSocketOption(received, 'NoDelay')).to.equal(true);
    await Promise.all([write(here.pal, client, Buffer.from('x')), readExactly(there.pal, received, 1)]);
    const refusal = thrownBy(() => there.pal.transfer(received));
    expect(refusal.code).to.equal('ERR_SOCKET_ASSOCIATED');
    expect(refusal.message).to.contain('deferAssociation');
  });

  for (const [use, act] of [
    ['asyncWrite', (pal, socket) => pal.asyncWrite(socket, Buffer.from('x'), () => undefined)],
    ['tryRead', (pal, socket) => pal.tryRead(socket, Buffer.alloc(1))],
    ['watch', (pal, socket) => pal.watch(socket, { readable: true }, () => undefined)],
    ['shutdown', (pal, socket) => pal.shutdown(socket, 'send')],
  ] as [string, (pal: NetworkPal, socket: SocketHandle) => void][]) {
    it(`${use} ties it to its loop`, async () => {
      const { served } = await untouched(here.pal);
      act(here.pal, served);
      expect(thrownBy(() => here.pal.transfer(served)).code).to.equal('ERR_SOCKET_ASSOCIATED');
    });
  }

  it('without deferAssociation, and for connections made here, it is refused', async () => {
    const { client, served, server } = await pair(here.pal);
    for (const socket of [client, served]) {
      expect(thrownBy(() => here.pal.transfer(socket)).code).to.equal('ERR_SOCKET_ASSOCIATED');
    }
    const asConnection = server.handle as unknown as SocketHandle;
    expect(thrownBy(() => here.pal.transfer(asConnection)).code).to.equal('ERR_INVALID_HANDLE_KIND');
    expect(() => here.pal.receiveTransfer({} as never)).to.throw(TypeError, 'transfer()');
    await Promise.all([write(here.pal, client, Buffer.from('y')), readExactly(here.pal, served, 1)]);
  });

  it('a server that waits with its port begins with the first accept, and its own loop may use the connections', async () => {
    const server = here.pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    expect(here.pal.stats().operations.accept).to.equal(0);
    const connecting = connect(here.pal, '127.0.0.1', server.port);
    const { socket } = await accept(here.pal, server.handle);
    await write(here.pal, socket, Buffer.from('hello'));
    expect(await text(here.pal, await connecting)).to.equal('hello');
  });

  it('one that is paused and resumed before its first accept posts none', async () => {
    const server = here.pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    here.pal.pauseAccept(server.handle);
    here.pal.resumeAccept(server.handle);
    expect(here.pal.stats().operations.accept).to.equal(0);
    const connecting = connect(here.pal, '127.0.0.1', server.port);
    await accept(here.pal, server.handle);
    await connecting;
  });

  it('closing and resetting one that was never used', async () => {
    const first = await untouched(here.pal);
    await close(here.pal, first.served);
    expect(await text(here.pal, first.client)).to.equal('');
    const second = await untouched(here.pal);
    const ended = read(here.pal, second.client).catch((error: unknown) => (error as { code: string }).code);
    here.pal.resetSocket(second.served);
    expect(await ended).to.equal('ECONNRESET');
  });

  it('what nobody has received when its loop stops is reset', async () => {
    const server = here.pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    const [client, { socket }] = await Promise.all([
      connect(there.pal, '127.0.0.1', server.port),
      accept(here.pal, server.handle),
    ]);
    const token = here.pal.transfer(socket);
    const ended = rejectionOf(read(there.pal, client));
    await here.pal.stopEventLoop();
    expect((await ended).code).to.equal('ECONNRESET');
    expect(thrownBy(() => there.pal.receiveTransfer(token)).code).to.equal('ERR_TOKEN_USED');
  });

  it('many tokens: those that were used are forgotten', async () => {
    const server = here.pal.createServer('127.0.0.1', 0, { deferAssociation: true });
    for (let count = 0; count < 80; count++) {
      const [client, { socket }] = await Promise.all([
        connect(here.pal, '127.0.0.1', server.port),
        accept(here.pal, server.handle),
      ]);
      const received = there.pal.receiveTransfer(here.pal.transfer(socket));
      await Promise.all([close(here.pal, client), close(there.pal, received)]);
    }
    expect(there.pal.stats().sockets).to.equal(0);
  });
});
