/** Sends back each datagram. */
import type { Endpoint, NetworkPal, UdpHandle } from '../../src/index.ts';
import { report } from './control.ts';
import { palOfPeer } from './pal.ts';
import { DATAGRAM_BYTES, DATAGRAMS_AT_ONCE } from './settings.ts';

/** One datagram at a time through one buffer: received, sent back, and only then the next. */
class Lane {
  readonly #pal: NetworkPal;
  readonly #socket: UdpHandle;
  readonly #buffer = Buffer.alloc(DATAGRAM_BYTES);

  constructor(pal: NetworkPal, socket: UdpHandle) {
    this.#pal = pal;
    this.#socket = socket;
  }

  readonly receive = (): void => {
    this.#pal.asyncReceiveFrom(this.#socket, this.#buffer, this.#buffer.length, this.#arrived);
  };

  readonly #arrived = (error: Error | null, bytes: number, peer: Endpoint | null): void => {
    if (error !== null) throw error;
    this.#pal.asyncSendTo(this.#socket, this.#buffer.subarray(0, bytes), peer, this.receive);
  };
}

const pal = palOfPeer();
pal.initialize();
const socket = pal.createUdpSocket('127.0.0.1', 0);
for (let left = DATAGRAMS_AT_ONCE; left > 0; left--) new Lane(pal, socket.handle).receive();
report(socket.port, () => ({ pinnedBytes: pal.stats().pinnedBytes, accepted: 0 }));
void pal.runEventLoop();
