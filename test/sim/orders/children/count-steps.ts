/**
 * Counts steps in a thread of its own, where nothing has been compiled before the counting began: code that was is counted
 * by functions only, and not by blocks.
 */
import { parentPort } from 'node:worker_threads';
import { beginCounting } from '../../../support/steps.ts';

/** Calls in the smaller queue, and in the larger one. */
const COUNTS = [100, 1000];

beginCounting();
const { SCENES, stepsFor, WAYS } = await import('../../support/waiting-calls.ts');
for (const scene of Object.keys(SCENES)) {
  for (const way of Object.keys(WAYS)) {
    const steps: number[] = [];
    for (const count of COUNTS) steps.push(await stepsFor(scene, way, count));
    parentPort?.postMessage({ scene, way, steps });
  }
}
