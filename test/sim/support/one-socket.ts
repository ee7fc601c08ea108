/**
 * One operation on one socket, and one event that meets it: run in every order that there is.
 *
 * The set-up takes the first way at every fork. From then on the tree decides which step comes next, where the steps are
 * the driver's turns, what the network and the kernel do, and what the test itself does.
 */
import {
  createNetworkPal,
  NetworkErrorCode,
  type NetworkError,
  type NetworkPal,
  type OperationHandle,
  type OperationOptions,
  type ServerHandle,
  type SocketHandle,
} from '../../../src/index.ts';
import {
  ChoiceTree,
  firstChoice,
  simulateNetwork,
  type ProfileName,
  type SimulatedKernel,
} from '../../../src/sim/index.ts';
import type { EventName, OperationName, Outcome } from '../outcomes.ts';
import { RawPeer } from './raw-peer.ts';

export interface Setting {
  readonly operation: OperationName;
  readonly event: EventName;
  readonly race: boolean;
  readonly profile: ProfileName;
  readonly skips: boolean;
  readonly poller: 'worker' | 'inline';
  /** Bytes have come before: the receive waits in a buffer, and not without one. */
  readonly busy?: boolean;
}

/** What came of all orders. */
export interface Findings {
  readonly outcomes: Set<Outcome>;
  readonly statuses: Set<number>;
  readonly orders: number;
}

/** Bytes that a pending write waits with: more than the two small kernel buffers take. */
const WRITE_SIZE = 40;
const BUFFER_SIZE = 4;
/** What completes a read. */
const SENT = 'abc';
/** Orders after which a cell counts as too large to be walked through. */
const MAX_ORDERS = 200_000;

export async function everyOrder(setting: Setting): Promise<Findings> {
  const outcomes = new Set<Outcome>();
  const statuses = new Set<number>();
  const tree = new ChoiceTree();
  let orders = 0;
  do {
    orders++;
    if (orders > MAX_ORDERS) throw new Error(`More than ${MAX_ORDERS} orders`);
    try {
      outcomes.add(await oneOrder(setting, tree, statuses));
    } catch (error) {
      throw new Error(`${JSON.stringify(setting)}, order ${tree.path.join(' ')}`, { cause: error });
    }
  } while (tree.advance());
  return { outcomes, statuses, orders };
}

async function oneOrder(setting: Setting, tree: ChoiceTree, statuses: Set<number>): Promise<Outcome> {
  const network = simulateNetwork({ choices: firstChoice, plain: true });
  const buffers = { sendBufferSize: BUFFER_SIZE, receiveBufferSize: BUFFER_SIZE };
  const kernel = network.kernel({ profile: setting.profile, keepAlive: true, ...buffers });
  const peer = new RawPeer(network, network.kernel(buffers));
  const pal = createNetworkPal({
    kernel,
    poller: setting.poller,
    skipCompletionPortOnSuccess: setting.skips,
    closeGraceMs: 100,
    maxOperations: 16,
    strict: true,
  });
  pal.initialize();
  const ended = pal.runEventLoop();
  const scene = new Scene(setting, pal, kernel, peer);
  scene.prepare();
  network.run();
  collectStatuses(kernel, scene, statuses);
  network.choices = tree;
  scene.begin();
  network.run();
  network.choices = firstChoice;
  const outcome = scene.outcome;
  await scene.checkNothingLost(() => {
    network.run();
  });
  scene.over = true;
  void pal.stopEventLoop();
  await network.settle();
  await ended;
  scene.check();
  return outcome;
}

/** Notes what the kernel says about operations of the scene's kind. */
function collectStatuses(kernel: SimulatedKernel, scene: Scene, statuses: Set<number>): void {
  const finish = kernel.finish.bind(kernel);
  kernel.finish = (io, status, bytes) => {
    if (io.kind === scene.call && !scene.done && !scene.over) statuses.add(status);
    finish(io, status, bytes);
  };
}

class Scene {
  readonly #setting: Setting;
  readonly #pal: NetworkPal;
  readonly #kernel: SimulatedKernel;
  readonly #peer: RawPeer;
  #socket = 0 as SocketHandle;
  /** What cancel() takes. */
  #operation = 0 as OperationHandle | SocketHandle;
  readonly #controller = new AbortController();
  #serverPort = 0;
  #outcome: Outcome = 'still pending';
  #calls = 0;
  #closes = 0;
  #closesExpected = 0;
  #closeSeen = false;
  done = false;
  /** All that the tree decides is decided. */
  over = false;

  constructor(setting: Setting, pal: NetworkPal, kernel: SimulatedKernel, peer: RawPeer) {
    this.#setting = setting;
    this.#pal = pal;
    this.#kernel = kernel;
    this.#peer = peer;
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  get call(): string {
    return { read: 'WSARecv', write: 'WSASend', connect: 'ConnectEx', accept: 'AcceptEx' }[this.#setting.operation];
  }

  /** Everything up to the moment before the operation. */
  prepare(): void {
    const { operation } = this.#setting;
    const pal = this.#pal;
    if (operation === 'accept') {
      const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
      this.#socket = server.handle as number as SocketHandle;
      this.#serverPort = server.port;
    } else if (operation !== 'connect') {
      this.#socket = pal.asyncConnect('127.0.0.1', this.#peer.port, {}, (error) => {
        if (error !== null) throw error;
        if (operation === 'write') pal.asyncWrite(this.#socket, new Uint8Array(2 * BUFFER_SIZE), () => undefined);
        if (this.#setting.busy !== true) return;
        pal.asyncRead(this.#socket, new Uint8Array(4), 4, () => undefined);
        this.#peer.send('x');
      });
    }
  }

  /** The operation begins; what completes it and what meets it may come at any moment from now on. */
  begin(): void {
    const { operation, event, race } = this.#setting;
    this.#start(operation);
    if (race && operation !== 'connect') this.#peer.later('completion', () => this.#complete(operation));
    // A connection that is reset while it waits to be accepted: one comes after the other.
    if (event !== 'nothing' && !(operation === 'accept' && event === 'RST')) {
      this.#peer.later(event, () => this.#happen(event));
    }
  }

  /** What came for a read that did not get it is still there. */
  async checkNothingLost(settle: () => void): Promise<void> {
    const { operation, event, race } = this.#setting;
    const takenBack = event === 'cancel()' || event === 'abort of its signal' || event === 'timeout';
    if (operation !== 'read' || !race || !takenBack || this.#outcome === 'success') return;
    const buffer = Buffer.alloc(16);
    const reading = new Promise<string>((resolve) => {
      this.#pal.asyncRead(this.#socket, buffer, 16, (error, bytes) => {
        resolve(error?.code ?? buffer.toString('latin1', 0, bytes));
      });
    });
    settle();
    const found = await Promise.race([reading, Promise.resolve('nothing')]);
    if (found !== SENT) throw new Error(`After a read that was taken back, the next one got ${found}`);
  }

  /** After the end: one callback, before that of close. */
  check(): void {
    if (this.#calls !== 1) throw new Error(`${this.#calls} callbacks`);
    if (this.#closes !== this.#closesExpected) throw new Error(`${this.#closes} close callbacks`);
    if (this.#kernel.openHandles + this.#kernel.ledger.size > 0) throw new Error('Something is left in the kernel');
  }

  #start(operation: OperationName): void {
    const pal = this.#pal;
    const { event, race } = this.#setting;
    const options: OperationOptions = {
      ...(event === 'timeout' && { timeout: 50 }),
      ...(event === 'abort of its signal' && { signal: this.#controller.signal }),
    };
    if (operation === 'read') {
      this.#operation = pal.asyncRead(this.#socket, new Uint8Array(16), 16, options, (error, bytes) => {
        this.#ended(error, bytes === 0 ? 'end' : 'success');
      });
    } else if (operation === 'write') {
      const data = new Uint8Array(WRITE_SIZE);
      this.#operation = pal.asyncWrite(this.#socket, data, options, (error) => this.#ended(error, 'success'));
    } else if (operation === 'accept') {
      const server = this.#socket as number as ServerHandle;
      this.#operation = pal.asyncAccept(server, options, (error) => this.#ended(error, 'success'));
    } else {
      const silent = event === 'no route' ? '198.51.100.1' : '192.0.2.1';
      const address = race || event === 'nobody listens' ? '127.0.0.1' : silent;
      if (event === 'nobody listens' && !race) this.#peer.refuse();
      this.#socket = pal.asyncConnect(address, this.#peer.port, options, (error) => this.#ended(error, 'success'));
      this.#operation = this.#socket;
    }
  }

  #ended(error: NetworkError | null, success: Outcome): void {
    this.#calls++;
    if (this.#closeSeen) throw new Error('The callback came after that of close');
    if (!this.done) this.#outcome = error === null ? success : (`${error.code} ${kindName(error)}` as Outcome);
    this.done = true;
  }

  #complete(operation: OperationName): void {
    if (operation === 'read') this.#peer.send(SENT);
    else if (operation === 'write') this.#peer.drain();
    else {
      this.#peer.connect(this.#serverPort);
      if (this.#setting.event === 'RST') this.#peer.later('RST', () => this.#peer.reset());
    }
  }

  #happen(event: EventName): void {
    const pal = this.#pal;
    const closed = (): void => {
      this.#closes++;
      this.#closeSeen = true;
    };
    if (event === 'closeSocket' || event === 'resetSocket') {
      this.#closesExpected++;
      if (event === 'closeSocket') pal.closeSocket(this.#socket, closed);
      else pal.resetSocket(this.#socket, closed);
    } else if (event === 'stopEventLoop') void pal.stopEventLoop();
    else if (event === 'FIN') this.#peer.fin();
    else if (event === 'RST') this.#peer.reset();
    else if (event === 'timeout') this.#kernel.network.passTime();
    else if (event === 'nobody listens') this.#peer.refuse();
    else if (event === 'cancel()') pal.cancel(this.#operation);
    else if (event === 'cancel(hard)') pal.cancel(this.#operation, { hard: true });
    else if (event === 'abort of its signal') this.#controller.abort();
    else if (event.startsWith('shutdown')) {
      pal.shutdown(this.#socket, event.slice("shutdown('".length, -"')".length) as 'send');
    }
  }
}

function kindName({ kind }: NetworkError): string {
  return Object.entries(NetworkErrorCode).find(([, value]) => value === kind)?.[0] ?? String(kind);
}
