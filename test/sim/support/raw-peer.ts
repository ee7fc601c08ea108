/** The other end of a connection without a PAL: it does what the test says, at once, and nothing else. */
import type { SimulatedPlatform, SimulatedNetwork } from '../../../src/sim/index.ts';
import { Step } from '../../../src/sim/schedule/agenda.ts';
import { anyAddress, loopbackAddress } from '../../../src/sim/kernel/sockaddr.ts';
import { Listener, SimulatedSocket } from '../../../src/sim/kernel/socket.ts';
import { TcpEnd } from '../../../src/sim/kernel/tcp-end.ts';

const CLIENT_PORT = 60000;

export class RawPeer {
  readonly #network: SimulatedNetwork;
  readonly #platform: SimulatedPlatform;
  readonly #listener: Listener;
  readonly port: number;
  #connecting: TcpEnd | null = null;

  /** @param port to listen on; 0 for any */
  constructor(network: SimulatedNetwork, platform: SimulatedPlatform, family: 4 | 6 = 4, port = 0) {
    this.#network = network;
    this.#platform = platform;
    const socket = new SimulatedSocket(0, platform, family);
    network.ports.bind(socket, anyAddress(family, port));
    this.port = socket.local?.port ?? 0;
    this.#listener = new Listener(socket, 1);
    socket.listener = this.#listener;
  }

  /** Nobody listens any more. */
  refuse(): void {
    this.#network.ports.unbind(this.#listener.socket);
  }

  /** Its end of the connection. */
  get end(): TcpEnd {
    const end = this.#connecting ?? this.#listener.backlog[0];
    if (end === undefined) throw new Error('The peer is not connected');
    return end;
  }

  get isConnected(): boolean {
    return this.#listener.backlog.length > 0;
  }

  send(text: string): void {
    if (this.end.finAsked || this.end.broken !== 0) return; // too late
    const bytes = Buffer.from(text);
    this.end.out.push(bytes, 0, bytes.length);
    this.end.update();
  }

  /** Reads whatever comes, from now on. */
  drain(): void {
    this.end.receiveBufferSize = 1 << 20;
    this.end.peer.update();
  }

  fin(): void {
    this.end.finAsked = true;
    this.end.update();
  }

  reset(): void {
    this.end.abort();
  }

  /** A connection of its own to a port. */
  connect(port: number): void {
    const target = loopbackAddress(4, port);
    const listener = this.#network.ports.listenerAt(target);
    if (listener === null) return;
    const local = loopbackAddress(4, CLIENT_PORT);
    const served = new TcpEnd(this.#network, listener.socket.platform, target, local);
    this.#connecting = new TcpEnd(this.#network, this.#platform, local, target);
    this.#connecting.peer = served;
    served.peer = this.#connecting;
    listener.socket.platform.accepts.arrive(listener, served);
  }

  /** Something that the test does, at any moment from now on. */
  later(what: string, run: () => void): void {
    this.#network.agenda.add(new Step(what, run, true));
  }
}
