/** A write of another thread that cannot begin: nothing may follow it, since its thread does not know. */
import { expect } from 'chai';
import {
  createNetworkPal,
  openRemote,
  type NetworkError,
  type PalOptions,
  type SocketHandle,
} from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

interface Heard {
  /** What has reached the peer, and how its stream ended: 'end' or an error's code. */
  text: string;
  ending: string;
  /** Failures that the writing loop was told, by code. */
  failures: string[];
}

async function play(
  options: PalOptions,
  act: (pal: ReturnType<typeof createNetworkPal>, client: SocketHandle, write: (text: string) => void) => void,
): Promise<Heard> {
  const network = simulateNetwork({ seed: 3 });
  const platforms = [network.platform({ keepAlive: true }), network.platform({ keepAlive: true })] as const;
  const server = createNetworkPal({ platform: platforms[0], strict: true });
  const pal = createNetworkPal({ platform: platforms[1], strict: true, ...options });
  for (const one of [server, pal]) {
    one.initialize();
    void one.runEventLoop();
  }
  const heard: Heard = { text: '', ending: '', failures: [] };
  const buffer = Buffer.alloc(64);
  const listening = server.createServer('127.0.0.1', 0);
  server.asyncAccept(listening.handle, (refused, socket) => {
    if (refused !== null) throw refused;
    const read = (): void =>
      void server.asyncRead(socket, buffer, buffer.length, (error, bytes) => {
        if (error !== null || bytes === 0) heard.ending = error === null ? 'end' : error.code;
        else {
          heard.text += buffer.toString('latin1', 0, bytes);
          read();
        }
      });
    read();
  });
  pal.onRemoteError((error: NetworkError) => heard.failures.push(error.code));
  const remote = openRemote(pal.remote(), { platform: platforms[1] });
  pal.asyncConnect('127.0.0.1', listening.port, {}, (error, client) => {
    if (error !== null) throw error;
    act(pal, client, (text) => remote.write(client, Buffer.from(text, 'latin1')));
    remote.close(client);
  });
  await network.settle(() => heard.ending !== '');
  void pal.stopEventLoop();
  void server.stopEventLoop();
  await network.settle(() => !pal.isRunning() && !server.isRunning());
  for (const platform of platforms) {
    expectNothingLeft(platform);
  }
  return heard;
}

describe('a write of another thread', () => {
  it('that is carried out is followed by the next one, and by FIN', async () => {
    const heard = await play({}, (_pal, _client, write) => {
      write('first ');
      write('second');
    });
    expect(heard).to.deep.equal({ text: 'first second', ending: 'end', failures: [] });
  });

  it('that finds the queue full ends the stream: no later one follows it, and closing resets', async () => {
    const heard = await play({ maxQueuedBytesPerSocket: 65_536 }, (_pal, _client, write) => {
      write('x'.repeat(65_000));
      write('y'.repeat(65_000));
      write('behind the hole');
    });
    expect(heard.failures).to.have.members(['ERR_WRITE_QUEUE_FULL', 'EPIPE']);
    expect(heard.ending).to.equal('ECONNRESET');
    expect('x'.repeat(65_000).startsWith(heard.text)).to.equal(true);
  });

  it('that meets a watch ends the stream: closing resets', async () => {
    const heard = await play({}, (pal, client, write) => {
      pal.watch(client, { readable: true }, () => undefined);
      write('refused');
    });
    expect([heard.text, heard.ending]).to.deep.equal(['', 'ECONNRESET']);
    expect(heard.failures).to.have.length(1);
  });

  it('that comes behind the close of its owner leaves what was written before whole', async () => {
    const heard = await play({}, (pal, client, write) => {
      pal.asyncWrite(client, Buffer.from('all'), () => undefined);
      pal.closeSocket(client);
      write('too late');
    });
    expect([heard.text, heard.ending]).to.deep.equal(['all', 'end']);
    expect(heard.failures).to.include('ECANCELED');
  });
});
