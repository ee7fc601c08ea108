/** An unreferenced socket: what it waits for lets the loop end, and what was begun on it does not, before it is done. */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulateNetwork } from '../../../src/sim/index.ts';
import { RawPeer } from '../support/raw-peer.ts';

/** More than waits on both sides while the peer reads nothing. */
const SOME = 5000;
const BUFFER = 1000;

const CALLS: Readonly<Record<string, { holds: boolean; call: (pal: NetworkPal, socket: SocketHandle) => void }>> = {
  'a read': { holds: false, call: (pal, socket) => pal.asyncRead(socket, new Uint8Array(1), 1, () => undefined) },
  'a watch': { holds: false, call: (pal, socket) => pal.watch(socket, { readable: true }, () => undefined) },
  'a write': { holds: true, call: (pal, socket) => pal.asyncWrite(socket, new Uint8Array(SOME), () => undefined) },
  'a file': { holds: true, call: (pal, socket) => pal.asyncSendFile(socket, 'file', {}, () => undefined) },
  'a shutdown behind a write': {
    holds: true,
    call: (pal, socket) => {
      pal.asyncWrite(socket, new Uint8Array(SOME), () => undefined);
      pal.shutdown(socket, 'send', () => undefined);
    },
  },
  'a close that flushes': {
    holds: true,
    call: (pal, socket) => {
      pal.asyncWrite(socket, new Uint8Array(SOME), () => undefined);
      pal.closeSocket(socket, () => undefined);
    },
  },
};

for (const [what, { holds, call }] of Object.entries(CALLS)) {
  describe(`an unreferenced socket with ${what}`, () => {
    it(holds ? 'keeps the loop alive until that is done' : 'lets the loop end', async () => {
      const network = simulateNetwork({ seed: 0, plain: true });
      const sizes = { sendBufferSize: BUFFER, receiveBufferSize: BUFFER };
      const platform = network.platform({ ...sizes, keepAlive: true });
      platform.files.put('file', new Uint8Array(SOME));
      const peer = new RawPeer(network, network.platform(sizes)); // it reads when it is told to
      const pal = createNetworkPal({ platform, strict: true, closeGraceMs: 1_000_000 });
      pal.initialize();
      let over = false;
      const ended = pal.runEventLoop().then(() => (over = true));
      const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, () => undefined);
      await network.settle(() => pal.stats().connected === 1);
      // Fills what waits on both sides: whatever is sent from now on is under way.
      pal.asyncWrite(socket, new Uint8Array(2 * BUFFER), () => undefined);
      await network.settle(() => pal.getQueuedBytes(socket) === 0);
      pal.unref(socket);
      call(pal, socket);
      platform.keepAlive = false;
      const start = network.clock.now;
      await network.settle(() => over || network.clock.now > start + 60_000);
      expect(over, 'the loop has ended').to.equal(!holds);
      peer.drain();
      await network.settle();
      await ended;
      expect(platform.openHandles).to.equal(0);
    });
  });
}
