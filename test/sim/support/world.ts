/** Runs one program against the library on a simulated platform, and checks what its users see. */
import type { AnyHandle, NetworkError, SocketHandle } from '../../../src/index.ts';
import {
  firstChoice,
  scriptedChoices,
  seededChoices,
  simulateNetwork,
  type SimulatedNetwork,
} from '../../../src/sim/index.ts';
import { acceptAll, act, closeServer } from './actions.ts';
import { shut } from './choosing.ts';
import { post, submissionFailed } from './loop-actions.ts';
import { SimulatedPal } from './simulated-pal.ts';
import { decode, settingsOf, type Command, type Program, type Settings } from './program.ts';
import { ModelError, Side } from './side.ts';
import { startRead } from './transfers.ts';

/** closeGraceMs of every PAL. Virtual, so any number does. */
const GRACE_MS = 500;
/** Sockets of a program at most. */
export const MAX_SIDES = 32;

export class World {
  readonly settings: Settings;
  readonly network: SimulatedNetwork;
  readonly pals: SimulatedPal[] = [];
  readonly sides: Side[] = [];
  readonly graceMs = GRACE_MS;
  /** A name was connected to: its attempts may make connections that nobody has asked for. */
  strays = false;
  /** Connecting sides by the port they connect from. */
  readonly #byPort = new Map<number, Side>();
  /** Accepted sides whose peer has not told its port yet. */
  readonly #unknown = new Map<number, Side>();
  readonly #nested: Command[] = [];
  readonly #program: Program;
  #calling = false;
  #streams = 0;

  constructor(program: Program, trace: boolean) {
    this.#program = program;
    this.settings = settingsOf(program);
    const { profile, pals, buffers, faults, impatient, oneProcess } = this.settings;
    const rest = program.seed === 0 ? firstChoice : seededChoices(program.seed);
    const choices = scriptedChoices(program.script, rest);
    this.network = simulateNetwork({ choices, trace, impatient });
    for (let index = 0; index < pals; index++) {
      const sizes = buffers === undefined ? {} : { sendBufferSize: buffers, receiveBufferSize: buffers };
      const first = oneProcess ? this.pals[0]?.platform : undefined;
      const platform = first ?? this.network.platform({ profile, ...sizes, ...(faults !== undefined && { faults }) });
      const onRemoteError = (error: NetworkError, socket: AnyHandle): void => {
        submissionFailed(
          this.sides.find(({ owner: { pal }, handle }) => pal === owner.pal && handle === socket),
          error,
        );
      };
      const owner = new SimulatedPal(platform, this.settings, { graceMs: GRACE_MS, trace, onRemoteError });
      this.pals.push(owner);
    }
  }

  get now(): number {
    return this.network.clock.now;
  }

  /** The whole program. */
  async run(): Promise<void> {
    for (const owner of this.pals) {
      owner.start();
      // Without anything pending the loop would end before the program does.
      owner.platform.keepAlive = true;
    }
    act(this, { action: 'listen', who: 0, size: 0, wait: 0, nested: false });
    for (const number of this.#program.commands) {
      const command = decode(number);
      for (let steps = command.wait; steps > 0 && this.network.step(); steps--);
      if (command.nested) this.#nested.push(command);
      else if (command.action === 'restart') await this.#restart(command);
      else act(this, command);
    }
    const { ending } = this.settings;
    if (ending === 'drain') this.#drain();
    if (ending !== 'stop') this.#closeAll();
    await this.#end();
  }

  /** Makes a call into a PAL, during which no callback may come. */
  call(side: Side | null, make: () => void): boolean {
    const before = this.#calling;
    this.#calling = true;
    try {
      make();
      return true;
    } catch (error) {
      this.#judge(side, error);
      return false;
    } finally {
      this.#calling = before;
    }
  }

  /** No callback may come inside a call. */
  requireOutside(what: string): void {
    if (this.#calling) throw new ModelError(`The callback of ${what} came inside a call`);
  }

  /** A callback that may come once, and never inside a call. */
  callback<Args extends unknown[]>(
    side: Side | null,
    what: string,
    run: (...args: Args) => void,
  ): (...args: Args) => void {
    let called = false;
    // A call on a socket that is closing, or has closed, is answered whenever it comes.
    const isLate = side?.isOpenFor(this.now) === false;
    if (side !== null) side.pending++;
    if (side !== null && isLate) side.late++;
    return (...args) => {
      const label = side?.label ?? 'server';
      if (this.#calling) throw new ModelError(`${label}: the callback of ${what} came inside a call`);
      if (called) throw new ModelError(`${label}: the callback of ${what} came twice`);
      called = true;
      if (side !== null) {
        side.pending--;
        if (isLate) side.late--;
        if (side.closeSeen && !isLate)
          throw new ModelError(`${label}: the callback of ${what} came after that of close`);
      }
      this.network.note(() => `user: ${label}, ${what}: ${args.map(show).join(', ')}`);
      run(...args);
      const next = this.#nested.shift();
      if (next !== undefined && next.action !== 'restart') act(this, next);
    };
  }

  newSide(owner: SimulatedPal, label: string, handle: SocketHandle): Side {
    this.#streams++;
    const side = new Side(this, owner, this.#streams, `${label} ${this.sides.length}`, handle);
    this.sides.push(side);
    return side;
  }

  /** A connecting side is bound: its peer knows it by its port, or will. */
  remember(side: Side, port: number): void {
    this.#byPort.set(port, side);
    const accepted = this.#unknown.get(port);
    if (accepted !== undefined) this.pair(accepted, port);
  }

  /** An accepted side meets the one that connected. */
  pair(side: Side, port: number): void {
    const peer = this.#byPort.get(port);
    if (peer === undefined) {
      this.#unknown.set(port, side);
      return;
    }
    this.#unknown.delete(port);
    if (peer.peer !== null) throw new ModelError(`${side.label}: a second connection from port ${port}`);
    side.peer = peer;
    peer.peer = side;
  }

  /** closeSocket or resetSocket, with its callback. */
  close(side: Side, reset: boolean): void {
    const { pal } = side.owner;
    const done = this.callback(null, `close of ${side.label}`, () => {
      if (side.pending > side.late) side.fail(`closed with ${side.pending - side.late} callbacks owed`);
      side.closeSeen = true;
    });
    if (reset) side.wasReset = true;
    if (!side.closing) side.closedAt = this.now;
    side.closing = true;
    this.call(side, () => {
      if (reset) pal.resetSocket(side.handle, done);
      else pal.closeSocket(side.handle, done);
    });
  }

  /** Everybody ends what they write, reads to the end, and has it all. */
  #drain(): void {
    this.#nested.length = 0;
    this.#carryOut();
    for (let round = 0; round < 3; round++) {
      for (const owner of this.pals) {
        for (const server of owner.servers) acceptAll(this, owner, server);
      }
      for (const side of this.sides) {
        if (!side.usable) continue;
        if (!side.sendShut && shut(this, side, 'send')) side.sendShut = true;
        this.#readToEnd(side);
      }
      this.network.run();
    }
    for (const side of this.sides) this.#expectWhole(side);
  }

  /** Everything that was submitted, also to a loop that could not be woken. */
  #carryOut(): void {
    for (const owner of this.pals) {
      if (!owner.running || owner.submitted === 0) continue;
      // A full queue is being worked on.
      this.network.run(() => owner.submitted === owner.carriedOut);
      owner.withoutFaults(() => post(this, owner));
      this.network.run();
      const { submitted, carriedOut, posted, heard } = owner;
      if (submitted !== carriedOut || posted !== heard) {
        throw new ModelError(
          `Submitted ${submitted} and carried out ${carriedOut}, posted ${posted} and heard ${heard}`,
        );
      }
    }
  }

  #readToEnd(side: Side): void {
    if (side.reads > 0 || side.watching) return;
    const next = (): void => {
      if (!side.usable || side.ended || side.failed) return;
      startRead(this, side, new Uint8Array(4096), next);
    };
    next();
  }

  /** All bytes have come, unless something broke the connection. */
  #expectWhole(side: Side): void {
    const { peer } = side;
    if (peer === null || !side.usable || !peer.connected || side.receiveShut || side.watching || side.starved) return;
    if (side.mayBreak() || !(peer.sendShut || peer.closing)) return;
    if (!side.ended) side.fail('the end of the stream never came');
  }

  #closeAll(): void {
    this.#nested.length = 0;
    this.#carryOut();
    // Twice: an accept that was on its way may bring one more connection.
    for (let round = 0; round < 2; round++) {
      for (const side of this.sides) if (side.owner.running && !side.closing) this.close(side, false);
      for (const owner of this.pals) {
        for (const server of owner.servers) closeServer(this, owner, server);
      }
      this.network.run();
    }
    for (const owner of this.pals) {
      if (!owner.running) continue;
      if (owner.post !== 0) owner.pal.offRemotePost(owner.post);
      const stats = owner.pal.stats();
      const { sockets, pendingCallbacks, queuedBytes, freeSlots, slots } = stats;
      const pinned = stats.pinnedBytes - owner.pinnedBytes;
      if (sockets + pendingCallbacks + queuedBytes + pinned > 0 || freeSlots !== slots) {
        throw new ModelError(`Left behind: ${JSON.stringify(stats)}\n${owner.pal.describe()}`);
      }
    }
  }

  async #restart(command: Command): Promise<void> {
    const owner = this.pals[command.who % this.pals.length];
    if (owner === undefined) return;
    if (owner.running) {
      this.stop(owner);
      return;
    }
    await this.network.settle(() => owner.ended);
    if (!owner.ended) throw new ModelError('stopEventLoop does not come to an end');
    owner.start();
  }

  stop(owner: SimulatedPal): void {
    owner.running = false;
    for (const side of this.sides) {
      if (side.owner !== owner) continue;
      if (!side.closing) side.closedAt = this.now;
      side.closing = true;
    }
    for (const server of owner.servers) server.open = false;
    this.call(null, () => void owner.pal.stopEventLoop());
  }

  async #end(): Promise<void> {
    const idle = this.settings.ending === 'close';
    for (const owner of this.pals) {
      if (idle)
        owner.platform.keepAlive = false; // the loop ends by itself
      else if (owner.running) this.stop(owner);
    }
    await this.network.settle(() => this.pals.every(({ ended }) => ended));
    for (const owner of this.pals) {
      if (!owner.ended) throw new ModelError('The loop does not end');
      if (owner.posted !== owner.heard) throw new ModelError(`${owner.heard} of ${owner.posted} posts were heard`);
      const { openHandles, ledger, memory } = owner.platform;
      const { regions } = memory;
      if (openHandles + ledger.size + regions > 0) {
        throw new ModelError(
          `Left in the kernel: ${openHandles} handles, ${ledger.size} operations, ${regions} regions`,
        );
      }
      for (const server of owner.servers) {
        if (server.pending > 0) throw new ModelError(`${server.pending} accept callbacks never came`);
      }
    }
    for (const side of this.sides) if (side.pending > 0) side.fail(`${side.pending} callbacks never came`);
  }

  /** What a call may throw. */
  #judge(side: Side | null, error: unknown): void {
    const { code } = error as NetworkError;
    // Only what hands a connection to another loop has no other answer for one that has closed.
    if (code === 'ERR_SOCKET_CLOSED' && (side === null || side.closing || this.now >= side.truncatedFrom)) return;
    if (code === 'ENOTCONN' && side?.connected === false) return;
    if (code === 'ERR_MIXED_APIS' && side !== null) return;
    if (this.settings.faults?.calls !== undefined && (error as NetworkError).systemErrorCode !== undefined) return;
    throw error;
  }
}

function show(value: unknown): string {
  if (value instanceof Error) return value.message;
  return value === undefined ? 'undefined' : JSON.stringify(value);
}
