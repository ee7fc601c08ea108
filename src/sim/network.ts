/**
 * The simulated world that processes share: addresses and connections, virtual time, and the agenda from which the seed
 * chooses what happens next.
 *
 * Nothing happens by itself. step() lets one possible thing happen; run() goes on until nothing is possible any more,
 * without giving promises a chance; settle() does the same and does give them one after every step that ran code of a
 * simulated process.
 */
import { inOwnContext } from '../platform/async-context.ts';
import { clearImmediate, clearTimeout, now, setImmediate, setTimeout } from '../platform/node-timers.ts';
import { simulatedPalNumber } from '../util/pal-number.ts';
import type { Route, SharedNetwork } from './machine/machine.ts';
import { SimulationError, takeUnheard } from './machine/simulation-error.ts';
import { Agenda, type Step } from './schedule/agenda.ts';
import { firstChoice, seededChoices, type Choices } from './schedule/choices.ts';
import { Clock } from './schedule/clock.ts';
import { PacketLoss, type PacketLossOptions } from './schedule/packet-loss.ts';
import { PortRegistry } from './kernel/port-registry.ts';
import type { SimulatedAddress } from './kernel/sockaddr.ts';
import type { SimulatedSocket } from './kernel/socket.ts';
import type { Duplicate } from './win32/duplicates.ts';
import { SimulatedPlatform, type PlatformOptions } from './platform.ts';

/** Options of simulateNetwork. */
export interface NetworkOptions {
  /**
   * Seed, an integer of 32 bits: decides everything that a real system leaves open. 0 always takes the first way: the
   * plainest run. Default 1.
   */
  seed?: number | undefined;
  /** Takes the place of the seed: a script, or a ChoiceTree. */
  choices?: Choices | undefined;
  /**
   * Leaves out what a real system could do but mostly does not (data in pieces, packets and cancels that take their
   * time), so that only the order of steps is chosen. For walking through every order. Default false.
   */
  plain?: boolean | undefined;
  /** Timers may come before everything else that is possible, as on a slow network. Default: when nothing else is. */
  impatient?: boolean | undefined;
  /** So many bytes travel together, never in pieces. Default 1: each byte of a stream may arrive alone. */
  segmentSize?: number | undefined;
  /**
   * Ports that a bind to port 0 may take, from 49 152 on, 1 … 16 384. Default 16 384, as Windows has them. (No port rests in
   * TIME_WAIT; only a socket with a DisconnectEx does.)
   */
  dynamicPorts?: number | undefined;
  /** What happens to datagrams on their way. Default: they arrive, once, in order. */
  datagrams?: PacketLossOptions | undefined;
  /** Keep a trace of calls, packets and deliveries, for trace(). Default false. */
  trace?: boolean | undefined;
  /** Steps after which a run counts as endless; one in real time, see drive(), never does. Default 200 000; of simulate(), 1 000 000. */
  maxSteps?: number | undefined;
}

const DEFAULT_MAX_STEPS = 200_000;
/**
 * Milliseconds in which nothing but timers and what they run has happened, after which nothing is expected any more: a
 * backend may look after something every second for ever.
 */
const PATIENCE_MS = 120_000;
/** Steps of a network that drives itself, in one turn of Node's loop; the first that runs code of a process ends it. */
const STEPS_PER_TURN = 64;
/** Timers in a row, in a network whose time leaps, after which nothing is expected any more: as PATIENCE_MS, but for any length of time. */
const MAX_LEAPS = 10_000;
/** One in so many steps of an impatient world is a timer's. */
const IMPATIENCE = 40;

/** The network that simulated processes share: its steps, its time, its choices. */
export class SimulatedNetwork implements SharedNetwork {
  readonly seed: number;
  choices: Choices;
  plain: boolean;
  readonly agenda = new Agenda();
  readonly clock = new Clock();
  /** TCP's. */
  readonly ports: PortRegistry;
  readonly udpPorts: PortRegistry;
  readonly packetLoss: PacketLoss;
  readonly platforms: SimulatedPlatform[] = [];
  /** Sockets on their way to another process; null once they were taken. */
  readonly duplicates: (Duplicate | null)[] = [];
  readonly #impatient: boolean;
  #maxSteps: number;
  readonly #segmentSize: number;
  readonly #trace: string[] | null;
  readonly #schedulingBias: number;
  #palsMade = 0;
  #steps = 0;
  #ranCode = false;
  /** When anything but timers and turns happened, and how often time has leapt since. */
  #lastEvent = 0;
  #leaps = 0;

  constructor(options: NetworkOptions = {}) {
    this.seed = options.seed ?? 1;
    this.choices = options.choices ?? (this.seed === 0 ? firstChoice : seededChoices(this.seed));
    this.plain = options.plain ?? false;
    this.ports = new PortRegistry(options.dynamicPorts);
    this.udpPorts = new PortRegistry(options.dynamicPorts);
    this.packetLoss = new PacketLoss(this, options.datagrams ?? {});
    this.#impatient = options.impatient ?? false;
    this.#segmentSize = options.segmentSize ?? 1;
    this.#maxSteps = options.maxSteps ?? DEFAULT_MAX_STEPS;
    this.#trace = options.trace === true ? [] : null;
    this.#schedulingBias = this.plain ? 0 : this.choices.pick(BIASES);
    takeUnheard(); // of another network
  }

  /** Another process on this network. */
  platform(options: PlatformOptions = {}): SimulatedPlatform {
    const platform = new SimulatedPlatform(this, this.platforms.length, options);
    this.platforms.push(platform);
    return platform;
  }

  /** A number for another PAL: from the seed alone, so that a run gives the same handles whatever the process has done before. */
  numberPal(): number {
    return simulatedPalNumber(this.seed, this.#palsMade++);
  }

  /** Lets one thing happen. Returns false when nothing can. Errors of the code under test come through. */
  step(): boolean {
    this.#steps++;
    if (this.#steps > this.#maxSteps) {
      throw new SimulationError(`No end after ${this.#maxSteps} steps: something goes round in circles`);
    }
    const possible = this.agenda.length;
    if (possible === 0) return (this.clock.next ?? Infinity) - this.#lastEvent <= PATIENCE_MS && this.passTime();
    if (this.#impatient && this.clock.next !== undefined && this.choices.pick(IMPATIENCE) === IMPATIENCE - 1) {
      return this.passTime();
    }
    const step = this.agenda.at(this.#place(possible));
    if (step === undefined) return false;
    this.#runStep(step);
    return true;
  }

  /** Lets time pass until the next timer, and fires it. Returns false when there is none. */
  passTime(): boolean {
    const timer = this.clock.takeNext();
    if (timer === undefined) return false;
    this.note(() => `timer, ${timer.at} ms`);
    this.#ranCode = timer.runsCode;
    timer.callback();
    return true;
  }

  /** Steps until nothing is possible, or `until` says so. Synchronous: promises do not go on meanwhile. */
  run(until: () => boolean = () => false): void {
    while (!until() && this.step());
  }

  /** Steps until nothing is possible, or `until` says so. Promises go on between steps. */
  async settle(until: () => boolean = () => false): Promise<void> {
    for (;;) {
      await drainPromises();
      if (until()) return;
      this.#ranCode = false;
      while (!this.#hasRunCode()) if (!this.step()) return;
    }
  }

  /** The step before ran code of a simulated process. */
  #hasRunCode(): boolean {
    return this.#ranCode;
  }

  /**
   * Lets what is possible happen by itself, from Node's own loop. Returns a function that ends it.
   * @param speed so many milliseconds of the network's are one of real time. Default 1. Infinity: real time does not count. Time
   *   leaps to the next timer when nothing else is possible, so that a run is decided by its seed, like one of settle().
   */
  drive(speed = 1): () => void {
    const leaps = speed === Infinity;
    if (!leaps) {
      this.#maxSteps = Infinity; // what lives in real time has no end
      const started = now() * speed - this.clock.now;
      this.clock.source = () => now() * speed - started;
    }
    let immediate: NodeJS.Immediate | undefined;
    let timer: NodeJS.Timeout | undefined;
    const turn = (): void => {
      immediate = undefined;
      clearTimeout(timer);
      // It has said that there is no end, and rests; this turn was asked for before, or by promises that were on their way.
      if (leaps && this.#steps > this.#maxSteps) return;
      let more = true;
      try {
        const due = this.clock.next;
        if (!leaps && due !== undefined && due <= this.clock.now) this.passTime();
        else more = this.#stepsOfATurn(leaps);
      } finally {
        const next = this.clock.next;
        if (leaps ? more : this.agenda.length > 0) plan();
        else if (!leaps && next !== undefined)
          timer = inOwnContext(setTimeout, plan, (next - this.clock.now) / speed).unref();
      }
    };
    const plan = (): void => {
      // Whoever calls has given it something to do: what follows from it, turn by turn, is not theirs.
      immediate ??= inOwnContext(setImmediate, turn);
    };
    this.agenda.onWork = plan;
    this.clock.onSet = plan;
    plan();
    return () => {
      this.agenda.onWork = null;
      this.clock.onSet = null;
      this.clock.source = null;
      clearImmediate(immediate);
      clearTimeout(timer);
    };
  }

  /** Steps until code has run, whose promises then go on. Returns whether anything is left to do at this moment. */
  #stepsOfATurn(leaps: boolean): boolean {
    this.#ranCode = false;
    for (let left = STEPS_PER_TURN; left > 0 && !this.#hasRunCode(); left--) {
      if (this.agenda.length > 0) this.step();
      else if (!leaps || ++this.#leaps > MAX_LEAPS || !this.passTime()) return false;
    }
    return true;
  }

  /** True in some runs of something that a real system may do or not do. */
  maybe(): boolean {
    return !this.plain && this.choices.pick(2) === 1;
  }

  /** True less often. */
  rarely(): boolean {
    return !this.plain && this.choices.pick(8) === 7;
  }

  /** How many of `available` bytes arrive together. */
  piece(available: number): number {
    if (this.plain || available <= this.#segmentSize) return available;
    const kind = this.choices.pick(4);
    if (kind < 2) return available;
    // Not by single bytes: a megabyte would take a million steps.
    const least = Math.max(this.#segmentSize, 1 + (available >>> 3));
    return kind === 2 ? least : least + this.choices.pick(available - least + 1);
  }

  /**
   * Where a SYN to this address goes. 192.0.2.0/24 (TEST-NET-1) and 2001:db8:1::/48 never answer, 198.51.100.0/24 and
   * 2001:db8:2::/48 are unreachable: all of them documentation addresses.
   */
  route({ family, bytes }: SimulatedAddress): Route {
    if (family === 6) {
      const documentation = bytes[0] === 0x20 && bytes[1] === 0x01 && bytes[2] === 0x0d && bytes[3] === 0xb8;
      if (!documentation || bytes[4] !== 0) return 'ok';
      return bytes[5] === 1 ? 'silent' : bytes[5] === 2 ? 'unreachable' : 'ok';
    }
    if (bytes[0] === 192 && bytes[1] === 0 && bytes[2] === 2) return 'silent';
    if (bytes[0] === 198 && bytes[1] === 51 && bytes[2] === 100) return 'unreachable';
    return 'ok';
  }

  /** The ports of a socket's protocol. */
  portsOf({ udp }: SimulatedSocket): PortRegistry {
    return udp === null ? this.ports : this.udpPorts;
  }

  get isTracing(): boolean {
    return this.#trace !== null;
  }

  /** Adds a line to the trace. */
  note(line: () => string): void {
    if (this.#trace !== null) this.#trace.push(`${String(this.#steps).padStart(5)}  ${line()}`);
  }

  /** A place in the trace for a line whose end is not known yet. */
  reserve(): number {
    return this.#trace === null ? 0 : this.#trace.push('') - 1;
  }

  fill(place: number, line: () => string): void {
    if (this.#trace !== null) this.#trace[place] = `${String(this.#steps).padStart(5)}  ${line()}`;
  }

  /** What happened so far, one line each; empty unless `trace` is on. */
  trace(): string {
    return this.#trace?.join('\n') ?? '';
  }

  #runStep(step: Step): void {
    this.agenda.remove(step);
    if (step.runsCode) this.#ranCode = true;
    if (!step.isTurn) {
      this.#lastEvent = this.clock.now;
      this.#leaps = 0;
    }
    const before = takeUnheard(); // by a call from outside any step
    if (before !== null) throw before;
    try {
      step.run();
    } catch (error) {
      takeUnheard();
      throw error;
    }
    const swallowed = takeUnheard();
    if (swallowed !== null) throw swallowed;
  }

  /** Which step comes next. Some runs prefer the newest or the oldest: orders that fair dice would hardly ever throw. */
  #place(possible: number): number {
    if (possible === 1) return 0;
    const { choices } = this;
    if (this.#schedulingBias < EVEN_BIASES || choices.pick(4) === 0) return choices.pick(possible);
    return this.#schedulingBias === EVEN_BIASES ? possible - 1 : 0;
  }
}

/** Scheduling biases of a run: the first few choose evenly, then one for the newest first, one for the oldest first. */
const EVEN_BIASES = 3;
const BIASES = EVEN_BIASES + 2;

/** Runs everything that promises have to do. */
function drainPromises(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
