/** Calls that wait in one queue, the ways in which they end, and how many steps that takes. For a thread of its own: steps.ts. */
import { createNetworkPal, type NetworkError, type NetworkPal, type OperationHandle } from '../../../src/index.ts';
import { simulateNetwork, type SimulatedNetwork } from '../../../src/sim/index.ts';
import { countSteps } from '../../support/steps.ts';
import { RawPeer } from './raw-peer.ts';

/** More than all kernel buffers take: what is written behind it waits. */
const LARGE = 8 * 1024 * 1024;
const TIMEOUT_MS = 1000;

interface Options {
  signal?: AbortSignal;
  timeout?: number;
}
type Begin = (options: Options) => OperationHandle;
interface Scene {
  begin: Begin;
  close: () => void;
}

interface Bench {
  readonly network: SimulatedNetwork;
  readonly pal: NetworkPal;
  readonly peer: RawPeer;
  readonly ended: (error: NetworkError | null) => void;
}

export const SCENES: Record<string, (bench: Bench) => Scene> = {
  reads({ pal, ended, ...bench }) {
    const socket = connected({ pal, ended, ...bench });
    const begin = (options: Options): OperationHandle => pal.asyncRead(socket, new Uint8Array(1), 1, options, ended);
    return { begin, close: () => pal.closeSocket(socket) };
  },
  writes({ pal, ended, ...bench }) {
    const socket = connected({ pal, ended, ...bench });
    pal.asyncWrite(socket, new Uint8Array(LARGE), () => undefined);
    const begin = (options: Options): OperationHandle => pal.asyncWrite(socket, new Uint8Array(1), options, ended);
    return { begin, close: () => pal.resetSocket(socket) };
  },
  accepts({ pal, ended }) {
    const { handle } = pal.createServer('127.0.0.1', 0);
    return { begin: (options) => pal.asyncAccept(handle, options, ended), close: () => pal.closeSocket(handle) };
  },
  'receives of datagrams'({ pal, ended }) {
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const begin = (options: Options): OperationHandle =>
      pal.asyncReceiveFrom(handle, new Uint8Array(1), 1, options, ended);
    return { begin, close: () => pal.closeSocket(handle) };
  },
  'sends of datagrams'({ pal, ended }) {
    const { handle } = pal.createUdpSocket('127.0.0.1', 0);
    const peer = pal.createUdpSocket('127.0.0.1', 0);
    const begin = (options: Options): OperationHandle =>
      pal.asyncSendTo(handle, new Uint8Array(1), peer, options, ended);
    return { begin, close: () => pal.closeSocket(handle) };
  },
};

function connected({ pal, peer, network }: Bench): ReturnType<NetworkPal['asyncConnect']> {
  const socket = pal.asyncConnect('127.0.0.1', peer.port, {}, (error) => {
    if (error !== null) throw error;
  });
  network.run();
  return socket;
}

export const WAYS: Record<string, (scene: Scene, count: number, bench: Bench) => void> = {
  'cancelled one by one, the newest first'({ begin }, count, { pal }) {
    const begun = Array.from({ length: count }, () => begin({}));
    for (const operation of begun.toReversed()) pal.cancel(operation);
  },
  'cancelled one by one, the oldest first'({ begin }, count, { pal }) {
    const begun = Array.from({ length: count }, () => begin({}));
    for (const operation of begun) pal.cancel(operation);
  },
  'ended by one signal'({ begin }, count) {
    const controller = new AbortController();
    for (let begun = 0; begun < count; begun++) begin({ signal: controller.signal });
    controller.abort();
  },
  'ended by a signal each, the newest first'({ begin }, count) {
    const controllers = Array.from({ length: count }, () => new AbortController());
    for (const { signal } of controllers) begin({ signal });
    for (const controller of controllers.toReversed()) controller.abort();
  },
  'ended by their deadlines'({ begin }, count, { network }) {
    for (let begun = 0; begun < count; begun++) begin({ timeout: TIMEOUT_MS });
    network.passTime();
  },
  'ended by deadlines, the newest first'({ begin }, count, { network }) {
    for (let begun = 0; begun < count; begun++) begin({ timeout: TIMEOUT_MS + 10 * (count - begun) });
    network.clock.advance(network.clock.now + TIMEOUT_MS + 20 * count);
    network.passTime();
  },
  'ended by closing'({ begin, close }, count) {
    for (let begun = 0; begun < count; begun++) begin({});
    close();
  },
};

/** The steps of ending `count` calls. */
export async function stepsFor(scene: string, way: string, count: number): Promise<number> {
  const network = simulateNetwork({ seed: 1, plain: true, maxSteps: Infinity });
  const platform = network.platform({ keepAlive: true });
  const peer = new RawPeer(network, network.platform());
  const pal = createNetworkPal({ platform, maxOperations: 1024, closeGraceMs: 100 });
  pal.initialize();
  const running = pal.runEventLoop();
  let outcomes = 0;
  const bench: Bench = { network, pal, peer, ended: () => outcomes++ };
  const made = SCENES[scene]?.(bench);
  if (made === undefined) throw new Error(`There is no scene ${scene}`);
  network.run();
  const steps = countSteps(() => {
    WAYS[way]?.(made, count, bench);
    network.run(() => outcomes === count);
  });
  if (outcomes !== count) throw new Error(`${outcomes} of ${count} calls have ended`);
  void pal.stopEventLoop();
  await network.settle();
  await running;
  return steps;
}
