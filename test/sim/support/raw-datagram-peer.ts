/** A UDP socket without a PAL: it sends what the test says, and keeps what comes. */
import type { SimulatedPlatform } from '../../../src/sim/index.ts';
import { loopbackAddress } from '../../../src/sim/kernel/sockaddr.ts';
import { SimulatedSocket } from '../../../src/sim/kernel/socket.ts';
import type { UdpEnd } from '../../../src/sim/kernel/udp-end.ts';

/** Bytes that it keeps: more than any test sends. */
const ROOM = 1000;

export class RawDatagramPeer {
  readonly address = '127.0.0.1';
  readonly port: number;
  readonly #end: UdpEnd;

  constructor(platform: SimulatedPlatform) {
    const socket = new SimulatedSocket(0, platform, 4, 'datagram');
    platform.network.udpPorts.bind(socket, loopbackAddress(4, 0));
    socket.receiveBufferSize = ROOM;
    this.port = socket.local?.port ?? 0;
    if (socket.udp === null) throw new Error('A datagram socket without its end');
    this.#end = socket.udp;
  }

  /** Sends a datagram to a port of this machine. */
  send(text: string, port: number): void {
    const [from, to] = [loopbackAddress(4, this.port), loopbackAddress(4, port)];
    this.#end.send({ bytes: Buffer.from(text), from, to });
  }

  /** Takes all that has come. */
  take(): string[] {
    const texts: string[] = [];
    for (let flight = this.#end.shift(); flight !== undefined; flight = this.#end.shift()) {
      texts.push(Buffer.from(flight.bytes).toString('latin1'));
    }
    return texts;
  }
}
