/**
 * Makes one step throw between the taking of an operation (or its renewal) and the Win32 call that it is for: the steps are the
 * methods of the parts that take part in it, and every function of the Win32 tables, which throw as koffi would, before they do
 * anything. Nothing of this is in the library: the methods are replaced on their prototypes while a test runs.
 */
import type { Platform } from '../../../src/index.ts';
import type { SimulatedPlatform } from '../../../src/sim/index.ts';
import { ExtensionFunctions } from '../../../src/overlapped/extension-functions.ts';
import { OverlappedTransport } from '../../../src/overlapped/overlapped-transport.ts';
import { BlockPool } from '../../../src/memory/block-pool.ts';
import { DoubleBuffer } from '../../../src/memory/double-buffer.ts';
import type { Operation, OperationKind } from '../../../src/memory/operation.ts';
import { OperationTable } from '../../../src/memory/operation-table.ts';
import { PendingCalls } from '../../../src/sockets/pending-call.ts';
import { PinnedBuffers } from '../../../src/memory/pinned-buffers.ts';
import { IdleSweep } from '../../../src/tcp/idle-sweep.ts';
import { DatagramRequestPool } from '../../../src/udp/datagram-requests.ts';
import { RequestPool } from '../../../src/tcp/connection/requests.ts';
import { Scratch } from '../../../src/memory/scratch.ts';
import { sendCursor } from '../../../src/tcp/send-cursor.ts';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

/** What takes part in the start of an operation. */
const STEPS: readonly [object, readonly string[]][] = [
  [OperationTable.prototype, ['setSegment']],
  [BlockPool.prototype, ['take', 'takeUnseen']],
  [DoubleBuffer.prototype, ['next', 'takeEmpty']],
  [PinnedBuffers.prototype, ['addressOf']],
  [RequestPool.prototype, ['takeRead', 'takeViewRead', 'takeWrite']],
  [DatagramRequestPool.prototype, ['takeReceive', 'takeSend']],
  [PendingCalls.prototype, ['begin']],
  [IdleSweep.prototype, ['watch']],
  [Scratch.prototype, ['setSockaddr', 'setPointer']],
  [Object.getPrototypeOf(sendCursor) as object, ['begin', 'available', 'move']],
  [ExtensionFunctions.prototype, ['of', 'transmitFile', 'disconnectEx']],
  [
    OverlappedTransport.prototype,
    ['attach', 'receive', 'send', 'canTransmit', 'transmitFile', 'receiveFrom', 'sendTo', 'connect', 'accept'],
  ],
];

/** Calls that belong to no operation's start: the loop may poll while a file is read for one. */
const NOT_OF_A_START = new Set(['GetLastError', 'GetQueuedCompletionStatusEx', 'WSAGetLastError']);
/** The calls that hand an operation over. */
const SUBMITTING = [
  'WSARecv',
  'WSASend',
  'WSARecvFrom',
  'WSASendTo',
  'ConnectEx',
  'AcceptEx',
  'DisconnectEx',
  'TransmitFile',
];

/** What a step throws. */
export class InjectedError extends Error {}

/** One fault, at the step of a number. */
export class Injection {
  /** The step that threw, or null. */
  step: string | null = null;
  readonly #fault: number;
  readonly #kind: OperationKind;
  #steps = 0;
  #armed = false;
  #active = false;
  readonly #undo: (() => void)[] = [];

  /**
   * @param fault which step throws, from 1
   * @param kind of the operations that are of interest
   */
  constructor(fault: number, kind: OperationKind) {
    this.#fault = fault;
    this.#kind = kind;
    for (const [prototype, names] of STEPS) for (const name of names) this.#replace(prototype as Methods, name);
    this.#arm(OperationTable.prototype as unknown as Methods, 'take');
    this.#arm(OperationTable.prototype as unknown as Methods, 'reset');
  }

  /** Operations that are taken from now on are of interest. */
  begin(): void {
    this.#active = true;
  }

  end(): void {
    this.#active = false;
    for (const undo of this.#undo.reverse()) undo();
  }

  /** The same kernel, whose functions are steps too. */
  wrap(platform: SimulatedPlatform): Platform {
    const tables = {
      kernel32: this.#table(platform.kernel32),
      ws2_32: this.#table(platform.ws2_32),
      mswsock: this.#pointers(platform.mswsock),
      files: this.#table(platform.files),
    };
    return new Proxy(platform, {
      get: (target, name) => {
        if (name in tables) return tables[name as keyof typeof tables];
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value as Method).bind(target) : value;
      },
    });
  }

  #table<Table extends object>(table: Table): Table {
    return new Proxy(table, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? this.#call(String(name), (value as Method).bind(target)) : value;
      },
    });
  }

  #pointers<Table extends object>(table: Table): Table {
    return new Proxy(table, {
      get: (target, name) => (pointer: number) => {
        const bind = Reflect.get(target, name, target) as (pointer: number) => Method;
        return this.#call(String(name), bind.call(target, pointer));
      },
    });
  }

  #call(name: string, call: Method): Method {
    return (...args) => {
      if (!NOT_OF_A_START.has(name)) this.#pass(name);
      const result = call(...args);
      if (SUBMITTING.includes(name)) this.#armed = false;
      return result;
    };
  }

  #pass(step: string): void {
    if (!this.#armed || !this.#active || this.step !== null) return;
    this.#steps++;
    if (this.#steps !== this.#fault) return;
    this.step = step;
    this.#armed = false;
    throw new InjectedError(`${step} threw`);
  }

  #replace(prototype: Methods, name: string): void {
    const original = prototype[name];
    if (original === undefined) throw new Error(`There is no method ${name}`);
    const pass = (): void => this.#pass(name);
    prototype[name] = function (...args) {
      pass();
      return original.apply(this, args);
    };
    this.#undo.push(() => (prototype[name] = original));
  }

  #arm(prototype: Methods, name: string): void {
    const original = prototype[name];
    if (original === undefined) throw new Error(`There is no method ${name}`);
    const arm = (operation: Operation): void => {
      if (this.#active) this.#armed = operation.kind === this.#kind;
    };
    prototype[name] = function (...args) {
      const result = original.apply(this, args);
      const operation = (name === 'take' ? result : args[0]) as Operation | null;
      if (operation !== null) arm(operation);
      return result;
    };
    this.#undo.push(() => (prototype[name] = original));
  }
}
