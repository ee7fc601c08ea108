/**
 * A connect by name with one IPv6 and one IPv4 address, run in every order that there is: the answers of the resolver,
 * the attempts, the passing of time, and what meets them.
 */
import { createNetworkPal, type NetworkError, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import {
  firstChoice,
  simulateNetwork,
  type ChoiceTree,
  type ProfileName,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { everyOrderOf } from './every-order.ts';
import { RawPeer } from './raw-peer.ts';

/** What an address does with a SYN. */
export type Fate = 'accepts' | 'refuses' | 'silent';
/** What meets the attempts. */
export type Meeting = 'nothing' | 'closeSocket' | 'resetSocket' | 'cancel' | 'stopEventLoop';

export interface Setting {
  readonly six: Fate;
  readonly four: Fate;
  readonly meeting: Meeting;
  readonly profile: ProfileName;
  readonly waiter: 'worker' | 'inline';
  readonly skips: boolean;
  /** Of asyncConnect, ms. */
  readonly timeout?: number;
  /** The answers of the resolver come at any moment, in any order; otherwise both are there at once. */
  readonly slowResolver?: boolean;
}

const ATTEMPT_DELAY_MS = 100;
const BYTES = 'through the winner';

/** All outcomes: `IPv6`, `IPv4`, or the code of the error with what its attempts say. */
export function everyOrderOfTwo(setting: Setting): Promise<{ outcomes: Set<string>; orders: number }> {
  return everyOrderOf(setting, (tree) => oneOrder(setting, tree));
}

async function oneOrder(setting: Setting, tree: ChoiceTree): Promise<string> {
  const network = simulateNetwork({ choices: firstChoice, plain: true });
  const { profile, waiter, skips } = setting;
  const platform = network.platform({ profile, keepAlive: true });
  const others = network.platform();
  const four = new RawPeer(network, others, 4);
  const six = new RawPeer(network, others, 6, four.port);
  if (setting.four === 'refuses') four.refuse();
  if (setting.six === 'refuses') six.refuse();
  const pal = createNetworkPal({
    platform,
    waiter,
    skipCompletionPortOnSuccess: skips,
    maxOperations: 16,
    strict: true,
  });
  pal.initialize();
  const ended = pal.runEventLoop();
  network.run();
  const scene = new Scene(setting, network, pal, { 4: four, 6: six });
  network.choices = tree;
  scene.begin();
  network.run();
  network.choices = firstChoice;
  scene.checkEnd(platform);
  void pal.stopEventLoop();
  await network.settle();
  await ended;
  scene.checkGone(platform);
  return scene.outcome;
}

class Scene {
  readonly #setting: Setting;
  readonly #network: SimulatedNetwork;
  readonly #pal: NetworkPal;
  readonly #peers: Readonly<Record<4 | 6, RawPeer>>;
  readonly #log: string[] = [];
  #handle = 0 as SocketHandle;
  #stopped = false;
  outcome = 'nothing';

  constructor(setting: Setting, network: SimulatedNetwork, pal: NetworkPal, peers: Readonly<Record<4 | 6, RawPeer>>) {
    this.#setting = setting;
    this.#network = network;
    this.#pal = pal;
    this.#peers = peers;
  }

  begin(): void {
    const { six, four, slowResolver = false, timeout, meeting } = this.#setting;
    const addresses = {
      6: six === 'silent' ? '2001:db8:1::1' : '::1',
      4: four === 'silent' ? '192.0.2.1' : '127.0.0.1',
    };
    this.#handle = this.#pal.asyncConnect(
      'host.test',
      this.#peers[4].port,
      {
        attemptDelay: ATTEMPT_DELAY_MS,
        ...(timeout !== undefined && { timeout }),
        lookup: (_name, options, callback) => {
          const family = options.family === 4 ? 4 : 6;
          const answer = (): void => callback(null, [{ address: addresses[family], family }]);
          if (slowResolver) this.#peers[family].later(`answer for IPv${family}`, answer);
          else answer();
        },
      },
      (error, socket) => this.#connected(error, socket),
    );
    // Time goes on by itself once nothing else can happen; here it may go on before.
    this.#peers[4].later('time passes', () => this.#network.passTime());
    if (meeting !== 'nothing') this.#peers[4].later(meeting, () => this.#meet(meeting));
  }

  /** Everything that can happen has happened: one callback, and nothing but the winner is left. */
  checkEnd(platform: SimulatedPlatform): void {
    const connects = this.#log.filter((line) => line.startsWith('connect'));
    if (connects.length !== 1) throw new Error(`${connects.length} callbacks: ${this.#log.join(', ')}`);
    const { meeting } = this.#setting;
    if (meeting === 'closeSocket' || meeting === 'resetSocket') {
      if (this.#log.join() !== 'connect,closed') throw new Error(`In this order: ${this.#log.join(', ')}`);
    }
    const leavesItOpen = meeting === 'nothing' || meeting === 'cancel';
    const open = leavesItOpen && (this.outcome === 'IPv6' || this.outcome === 'IPv4');
    if (platform.openSockets !== (open ? 1 : 0)) throw new Error(`${platform.openSockets} sockets are open`);
    if (this.#stopped) return;
    const { sockets, operations, pendingCallbacks, freeSlots, slots, droppedPackets } = this.#pal.stats();
    const left = { operations: Object.values(operations), pendingCallbacks, used: slots - freeSlots, droppedPackets };
    const expected = { operations: [0, 0, 0, 0], pendingCallbacks: 0, used: 0, droppedPackets: 0 };
    if (JSON.stringify(left) !== JSON.stringify(expected)) throw new Error(`Left behind: ${JSON.stringify(left)}`);
    if (sockets !== (open ? 1 : 0)) throw new Error(`${sockets} records: ${this.#pal.describe()}`);
    if (open) this.#tryOut(this.outcome === 'IPv6' ? 6 : 4);
  }

  /** After the end of the loop. */
  checkGone(platform: SimulatedPlatform): void {
    if (platform.openHandles + platform.ledger.size > 0) throw new Error('Something is left in the kernel');
    if (this.#network.clock.next !== undefined) throw new Error('A timer is left');
  }

  #connected(error: NetworkError | null, socket: SocketHandle): void {
    this.#log.push('connect');
    if (socket !== this.#handle) throw new Error('Another handle than that of asyncConnect');
    if (error !== null) {
      const attempts = (error.attempts ?? []).map(({ address, code }) => `${address} ${code}`);
      this.outcome = [error.code, ...attempts].join(', ');
      return;
    }
    this.outcome = this.#pal.getRemoteAddress(socket) === '::1' ? 'IPv6' : 'IPv4';
  }

  #meet(meeting: Meeting): void {
    const closed = (): unknown => this.#log.push('closed');
    if (meeting === 'closeSocket') this.#pal.closeSocket(this.#handle, closed);
    else if (meeting === 'resetSocket') this.#pal.resetSocket(this.#handle, closed);
    else if (meeting === 'cancel') this.#pal.cancel(this.#handle);
    else {
      this.#stopped = true;
      void this.#pal.stopEventLoop();
    }
  }

  /** Bytes flow both ways, under the handle of asyncConnect. The other peer's connection, if there is one, is over. */
  #tryOut(family: 4 | 6): void {
    const pal = this.#pal;
    const winner = this.#peers[family];
    const loser = this.#peers[family === 6 ? 4 : 6];
    if (loser.isConnected && loser.end.broken === 0) {
      throw new Error('The connection of the other attempt was not reset');
    }
    const buffer = new Uint8Array(64);
    let got = '';
    pal.asyncRead(this.#handle, buffer, buffer.length, (error, bytes) => {
      got = error === null ? Buffer.from(buffer.subarray(0, bytes)).toString() : error.code;
    });
    pal.asyncWrite(this.#handle, Buffer.from(BYTES), () => undefined);
    winner.send(BYTES);
    this.#network.run(() => got !== '' && winner.end.in.length === BYTES.length);
    if (got !== BYTES || winner.end.in.length !== BYTES.length) {
      throw new Error(`Read '${got}', and ${winner.end.in.length} bytes have arrived`);
    }
  }
}
