/** A receive or a send on a UDP socket, and a peer that does what the tree says. */
import type { NetworkPal, UdpHandle } from '../../../src/index.ts';
import type { SimulatedPlatform } from '../../../src/sim/index.ts';
import type { IoKind } from '../../../src/sim/machine/machine.ts';
import type { SimulatedSocket } from '../../../src/sim/kernel/socket.ts';
import { RawDatagramPeer } from './raw-datagram-peer.ts';
import { Scene, type Setting } from './scene.ts';

/** The datagram that the operation is about, and one that follows it. */
const DATAGRAM = 'abc';
const NEXT = 'next';
const FILLER = 'filler';
const DONE = (): void => undefined;

export class DatagramScene extends Scene {
  protected readonly socket: UdpHandle;
  readonly #peer: RawDatagramPeer;
  readonly #port: number;
  readonly #simulated: SimulatedSocket;
  /** Sent after the operation had ended. */
  #sentNext = false;

  constructor(setting: Setting, pal: NetworkPal, platform: SimulatedPlatform, others: SimulatedPlatform) {
    super(setting, pal, platform);
    this.#peer = new RawDatagramPeer(others);
    const { handle, port } = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: setting.second ? 2 : 1 });
    this.socket = handle;
    this.#port = port;
    const [simulated] = platform.network.udpPorts.boundAt(port);
    if (simulated === undefined) throw new Error(`Nobody is bound to ${port}`);
    this.#simulated = simulated;
  }

  get kind(): IoKind {
    return this.#receives ? 'WSARecvFrom' : 'WSASendTo';
  }

  prepare(): void {
    const { pal } = this;
    const { second } = this.setting;
    if (this.#receives) {
      if (!second) return;
      pal.asyncReceiveFrom(this.socket, new Uint8Array(16), 16, DONE);
      this.#peer.send(FILLER, this.#port);
    } else {
      this.#simulated.sendBufferSize = 0; // SO_SNDBUF: a send is pending until somebody takes it
      if (!second) return;
      pal.asyncSendTo(this.socket, Buffer.from(FILLER), this.#peer, DONE);
      // A receiver that takes all the slots that are left.
      const hoarder = pal.createUdpSocket('127.0.0.1', 0, { receiveDepth: 256 });
      pal.asyncReceiveFrom(hoarder.handle, new Uint8Array(16), 16, DONE);
    }
  }

  /** A datagram goes to one receive, the next if not to this; a send that was taken back does not arrive, the next does. */
  async checkNothingLost(settle: () => void): Promise<void> {
    const { event, race } = this.setting;
    if (!this.done || event === 'closeSocket' || event === 'stopEventLoop') return;
    if (!this.#receives) {
      this.#sentNext = true;
      this.complete();
      this.pal.asyncSendTo(this.socket, Buffer.from(NEXT), this.#peer, DONE);
      settle();
      return;
    }
    const expected = race && this.isTakenBack ? DATAGRAM : NEXT;
    if (expected === NEXT) this.#peer.send(NEXT, this.#port);
    const buffer = Buffer.alloc(16);
    const receiving = new Promise<string>((resolve) => {
      this.pal.asyncReceiveFrom(this.socket, buffer, 16, (error, bytes) => {
        resolve(error?.code ?? buffer.toString('latin1', 0, bytes));
      });
    });
    settle();
    const found = await Promise.race([receiving, Promise.resolve('nothing')]);
    if (found !== expected) throw new Error(`The next receive got ${found} and not ${expected}`);
  }

  override check(): void {
    super.check();
    if (this.#receives) return;
    const arrived = this.#peer.take().filter((text) => text !== FILLER);
    const expected = [...(this.outcome === 'success' ? [DATAGRAM] : []), ...(this.#sentNext ? [NEXT] : [])];
    if (arrived.join() !== expected.join())
      throw new Error(`The peer got ${arrived.join()} and not ${expected.join()}`);
  }

  protected start(): void {
    const { pal, options } = this;
    if (!this.#receives) {
      const send = Buffer.from(DATAGRAM);
      if (this.setting.second && pal.stats().freeSlots > 0) throw new Error('There is a slot for it');
      this.operation = pal.asyncSendTo(this.socket, send, this.#peer, options, (error) => this.ended(error));
      return;
    }
    const buffer = Buffer.alloc(16);
    this.operation = pal.asyncReceiveFrom(this.socket, buffer, 16, options, (error, bytes, peer) => {
      const text = buffer.toString('latin1', 0, bytes);
      if (error === null && (text !== DATAGRAM || peer.port !== this.#peer.port))
        throw new Error(`${text} was received, from ${peer.port}`);
      this.ended(error);
    });
  }

  protected complete(): void {
    if (this.#receives) this.#peer.send(DATAGRAM, this.#port);
    else {
      this.#simulated.sendBufferSize = 1000;
      this.#simulated.udp?.update();
    }
  }

  get #receives(): boolean {
    return this.setting.operation === 'receiveFrom';
  }
}
