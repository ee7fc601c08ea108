/**
 * Makes one step throw on the real platform under the WSAPoll backend: between the taking of an operation and its wait in the poll
 * set, and between the report of its readiness and the end of the call that it waited for. The steps are the methods that take
 * part, every function of the Win32 tables, and what is asked of the memory, the files and the time; they throw as koffi or V8
 * would, before they do anything. The methods are replaced on their prototypes while a test runs.
 */
import type { Platform } from '../../../src/index.ts';
import { BlockPool } from '../../../src/memory/block-pool.ts';
import type { Operation, OperationKind } from '../../../src/memory/operation.ts';
import { OperationTable } from '../../../src/memory/operation-table.ts';
import { PinnedBuffers } from '../../../src/memory/pinned-buffers.ts';
import { IdleSweep } from '../../../src/tcp/idle-sweep.ts';
import { Scratch } from '../../../src/memory/scratch.ts';
import { sendCursor } from '../../../src/tcp/send-cursor.ts';
import { PolledMember } from '../../../src/wsapoll/polled-member.ts';
import { PolledTransport } from '../../../src/wsapoll/polled-transport.ts';
import { DatagramMember } from '../../../src/wsapoll/polled-datagrams.ts';
import { StreamMember } from '../../../src/wsapoll/polled-stream.ts';
import { PollSet } from '../../../src/wsapoll/poll-set.ts';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

/** What submits an operation, and is over when it has returned. */
const SUBMITTING = ['receive', 'send', 'receiveFrom', 'sendTo', 'connect', 'accept'];

/** What takes part in the start of an operation. */
const STEPS: readonly [object, readonly string[]][] = [
  [OperationTable.prototype, ['setSegment']],
  [BlockPool.prototype, ['take', 'takeUnseen']],
  [PinnedBuffers.prototype, ['addressOf']],
  [IdleSweep.prototype, ['watch']],
  [Scratch.prototype, ['setSockaddr']],
  [Object.getPrototypeOf(sendCursor) as object, ['begin', 'available', 'move']],
  [PolledTransport.prototype, ['attach', ...SUBMITTING]],
  [StreamMember.prototype, ['receive', 'send', 'connect', 'accept']],
  [DatagramMember.prototype, ['receive', 'send']],
  [PollSet.prototype, ['changed']],
];

/** The loop's own look at the set belongs to no operation. */
const LOOPS_OWN = ['poll', 'take'];

/** What a step throws. */
export class InjectedError extends Error {}

/** One fault at a time, at the step of a number. */
export class PolledInjection {
  /** The step that threw, or null. */
  step: string | null = null;
  /** The steps that were passed, by name. */
  readonly passed = new Set<string>();
  readonly #kind: OperationKind;
  readonly #spared: readonly string[];
  #fault = 0;
  #steps = 0;
  #armed = false;
  #active = false;
  readonly #undo: (() => void)[] = [];

  /**
   * @param kind of the operations that are of interest
   * @param spared steps that do not throw
   */
  constructor(kind: OperationKind, spared: readonly string[] = []) {
    this.#kind = kind;
    this.#spared = spared;
    for (const [prototype, names] of STEPS) for (const name of names) this.#replace(prototype as Methods, name);
    this.#arm('take');
    this.#arm('reset');
    for (const name of SUBMITTING) this.#around(PolledTransport.prototype, name, (call) => this.#disarmAfter(call));
    for (const name of LOOPS_OWN) this.#around(PollSet.prototype, name, (call) => this.#spare(call));
    this.#around(PolledMember.prototype, 'ready', (call, member) => this.#onReady(call, member));
    this.#around(PolledMember.prototype, 'complete', (call, _member, [operation]) => {
      if ((operation as Operation).kind === this.#kind) this.#armed = false;
      return call();
    });
  }

  /** Operations that are taken from now on are of interest. @param fault which step throws, from 1 */
  begin(fault: number): void {
    this.#fault = fault;
    this.#steps = 0;
    this.step = null;
    this.#armed = false;
    this.#active = true;
  }

  /** Nothing throws any more. */
  end(): void {
    this.#active = false;
    this.#armed = false;
  }

  /** Puts the methods back. */
  remove(): void {
    this.end();
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  /** The same platform, whose functions are steps too. */
  wrap(platform: Platform): Platform {
    const { kernel32, ws2_32, memory, files, scheduler } = platform;
    return {
      ...platform,
      kernel32: this.#table(kernel32),
      ws2_32: this.#table(ws2_32),
      memory: this.#table(memory),
      scheduler: this.#table(scheduler),
      ...(files === undefined ? {} : { files: this.#table(files) }),
    };
  }

  #table<Table extends object>(table: Table): Table {
    return new Proxy(table, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        // WSAPoll is a wait for all sockets, not a step in the start of an operation.
        if (typeof value !== 'function' || name === 'WSAPoll') return value;
        return (...args: unknown[]): unknown => {
          this.#pass(String(name));
          return (value as Method).apply(target, args);
        };
      },
    });
  }

  #pass(step: string): void {
    if (!this.#armed || !this.#active || this.step !== null || this.#spared.includes(step)) return;
    this.passed.add(step);
    this.#steps++;
    if (this.#steps !== this.#fault) return;
    this.step = step;
    this.#armed = false;
    throw new InjectedError(`${step} threw`);
  }

  #replace(prototype: Methods, name: string): void {
    this.#around(prototype, name, (call) => {
      this.#pass(name);
      return call();
    });
  }

  #arm(name: 'take' | 'reset'): void {
    const { prototype } = OperationTable;
    this.#around(prototype, name, (call, _table, args) => {
      const result = call();
      const operation = (name === 'take' ? result : args[0]) as Operation | null;
      if (operation !== null && this.#active) this.#armed = operation.kind === this.#kind;
      return result;
    });
  }

  #disarmAfter(call: () => unknown): unknown {
    const result = call();
    this.#armed = false;
    return result;
  }

  #spare(call: () => unknown): unknown {
    const armed = this.#armed;
    this.#armed = false;
    try {
      return call();
    } finally {
      this.#armed = armed;
    }
  }

  /** What it waits for is about to be done. */
  #onReady(call: () => unknown, member: unknown): unknown {
    const waiting = (member as { waiting: () => readonly Operation[] }).waiting();
    const concerned = this.#active && waiting.some(({ kind }) => kind === this.#kind);
    if (concerned) this.#armed = true;
    try {
      return call();
    } finally {
      if (concerned) this.#armed = false;
    }
  }

  #around(
    owner: object,
    name: string,
    replacement: (call: () => unknown, self: unknown, args: unknown[]) => unknown,
  ): void {
    const prototype = owner as Methods;
    const original = prototype[name];
    if (original === undefined) throw new Error(`There is no method ${name}`);
    prototype[name] = function (...args) {
      return replacement(() => original.apply(this, args), this, args);
    };
    this.#undo.push(() => (prototype[name] = original));
  }
}
