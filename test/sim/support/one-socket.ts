/**
 * One operation on one socket, and one event that meets it: run in every order that there is.
 *
 * The set-up takes the first way at every fork. From then on the tree decides which step comes next, where the steps are
 * the library's turns, what the network and the kernel do, and what the test itself does.
 */
import { createNetworkPal, type NetworkPal } from '../../../src/index.ts';
import { firstChoice, simulateNetwork, type ChoiceTree, type SimulatedPlatform } from '../../../src/sim/index.ts';
import type { Outcome } from '../orders/outcomes.ts';
import { DatagramScene } from './datagram-scene.ts';
import { everyOrderOf } from './every-order.ts';
import { FileScene } from './file-scene.ts';
import type { Scene, Setting } from './scene.ts';
import { BUFFER_SIZE, StreamScene } from './stream-scene.ts';

/** What came of all orders. */
export interface Findings {
  readonly outcomes: Set<Outcome>;
  readonly statuses: Set<number>;
  readonly orders: number;
}

export async function everyOrder(setting: Setting): Promise<Findings> {
  const statuses = new Set<number>();
  const found = await everyOrderOf(setting, (tree) => oneOrder(setting, tree, statuses));
  return { ...found, statuses };
}

async function oneOrder(setting: Setting, tree: ChoiceTree, statuses: Set<number>): Promise<Outcome> {
  const network = simulateNetwork({ choices: firstChoice, plain: true });
  const buffers = { sendBufferSize: BUFFER_SIZE, receiveBufferSize: BUFFER_SIZE };
  const platform = network.platform({ profile: setting.profile, keepAlive: true, ...buffers });
  const others = network.platform(buffers);
  const pal = createNetworkPal({
    platform,
    waiter: setting.waiter,
    skipCompletionPortOnSuccess: setting.skips,
    closeGraceMs: 100,
    maxOperations: 16,
    strict: true,
  });
  pal.initialize();
  const ended = pal.runEventLoop();
  const scene = sceneOf(setting, pal, platform, others);
  scene.prepare();
  network.run();
  collectStatuses(platform, scene, statuses);
  network.choices = tree;
  scene.begin();
  network.run();
  network.choices = firstChoice;
  const { outcome } = scene;
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

function sceneOf(setting: Setting, pal: NetworkPal, platform: SimulatedPlatform, others: SimulatedPlatform): Scene {
  const { operation } = setting;
  if (operation === 'receiveFrom' || operation === 'sendTo') return new DatagramScene(setting, pal, platform, others);
  if (operation === 'sendFile') return new FileScene(setting, pal, platform, others);
  return new StreamScene(setting, pal, platform, others);
}

/** Notes what the kernel says about operations of the scene's kind. */
function collectStatuses(platform: SimulatedPlatform, scene: Scene, statuses: Set<number>): void {
  const finish = platform.finish.bind(platform);
  platform.finish = (io, status, bytes) => {
    if (io.kind === scene.kind && !scene.done && !scene.over) statuses.add(status);
    finish(io, status, bytes);
  };
}
