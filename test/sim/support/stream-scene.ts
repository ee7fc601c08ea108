/** A read, a write, a connect or an accept, and a peer that does what the tree says. */
import { type NetworkPal, type ServerHandle, type SocketHandle } from '../../../src/index.ts';
import type { SimulatedPlatform } from '../../../src/sim/index.ts';
import type { IoKind } from '../../../src/sim/machine/machine.ts';
import type { EventName } from '../orders/outcomes.ts';
import { RawPeer } from './raw-peer.ts';
import { Scene, type Setting } from './scene.ts';

/** Bytes that a connection's send buffer and receive buffer take. */
export const BUFFER_SIZE = 4;
/** Bytes that a pending write waits with: more than the two small kernel buffers take. */
const WRITE_SIZE = 40;
/** What completes a read. */
const SENT = 'abc';

export class StreamScene extends Scene {
  protected readonly peer: RawPeer;
  protected override socket = 0 as SocketHandle;
  #serverPort = 0;

  constructor(setting: Setting, pal: NetworkPal, platform: SimulatedPlatform, others: SimulatedPlatform) {
    super(setting, pal, platform);
    this.peer = new RawPeer(platform.network, others);
  }

  get kind(): IoKind {
    const { operation } = this.setting;
    if (operation === 'connect') return 'ConnectEx';
    if (operation === 'accept') return 'AcceptEx';
    return operation === 'read' ? 'WSARecv' : 'WSASend';
  }

  prepare(): void {
    const { operation, second } = this.setting;
    const { pal } = this;
    if (operation === 'accept') {
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      this.socket = server.handle as number as SocketHandle;
      this.#serverPort = server.port;
    } else if (operation === 'write') {
      this.connect(() => this.fillBuffers());
    } else if (operation === 'read') {
      this.connect(() => {
        if (!second) return;
        pal.asyncRead(this.socket, new Uint8Array(4), 4, () => undefined);
        this.peer.send('x');
      });
    }
  }

  /** A connection attempt is under way to where somebody listens. */
  protected override completesByItself(): boolean {
    return this.setting.operation === 'connect';
  }

  /** A connection that is reset while it waits to be accepted. */
  protected override eventFollows(): boolean {
    return this.setting.operation === 'accept' && this.setting.event === 'RST';
  }

  /** What came for a read that did not get it is still there. */
  async checkNothingLost(settle: () => void): Promise<void> {
    if (this.setting.operation !== 'read' || !this.setting.race || !this.isTakenBack) return;
    const buffer = Buffer.alloc(16);
    const reading = new Promise<string>((resolve) => {
      this.pal.asyncRead(this.socket, buffer, 16, (error, bytes) => {
        resolve(error?.code ?? buffer.toString('latin1', 0, bytes));
      });
    });
    settle();
    const found = await Promise.race([reading, Promise.resolve('nothing')]);
    if (found !== SENT) throw new Error(`After a read that was taken back, the next one got ${found}`);
  }

  protected connect(connected: () => void): void {
    this.socket = this.pal.asyncConnect('127.0.0.1', this.peer.port, {}, (error) => {
      if (error !== null) throw error;
      connected();
    });
  }

  /** What is sent behind this has to wait for the peer. */
  protected fillBuffers(): void {
    this.pal.asyncWrite(this.socket, new Uint8Array(2 * BUFFER_SIZE), () => undefined);
  }

  protected start(): void {
    const { pal, options } = this;
    const { operation, event, race } = this.setting;
    if (operation === 'read') {
      this.operation = pal.asyncRead(this.socket, new Uint8Array(16), 16, options, (error, bytes) => {
        this.ended(error, bytes === 0 ? 'end' : 'success');
      });
    } else if (operation === 'write') {
      const data = new Uint8Array(WRITE_SIZE);
      this.operation = pal.asyncWrite(this.socket, data, options, (error) => this.ended(error));
    } else if (operation === 'accept') {
      const server = this.socket as number as ServerHandle;
      this.operation = pal.asyncAccept(server, options, (error) => this.ended(error));
    } else {
      const silent = event === 'no route' ? '198.51.100.1' : '192.0.2.1';
      const address = race || event === 'nobody listens' ? '127.0.0.1' : silent;
      if (event === 'nobody listens' && !race) this.peer.refuse();
      this.socket = pal.asyncConnect(address, this.peer.port, options, (error) => this.ended(error));
      this.operation = this.socket;
    }
  }

  protected complete(): void {
    const { operation, event } = this.setting;
    if (operation === 'read') this.peer.send(SENT);
    else if (operation === 'accept') {
      this.peer.connect(this.#serverPort);
      if (event === 'RST') this.later('RST', () => this.peer.reset());
    } else this.peer.drain();
  }

  protected override happen(event: EventName): void {
    if (event === 'FIN') this.peer.fin();
    else if (event === 'RST') this.peer.reset();
    else if (event === 'nobody listens') this.peer.refuse();
    else if (event === 'no route')
      return; // it is so from the start
    else if (event.startsWith('shutdown')) {
      this.pal.shutdown(this.socket, event.slice("shutdown('".length, -"')".length) as 'send');
    } else super.happen(event);
  }
}
