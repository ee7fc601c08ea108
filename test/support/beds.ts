/**
 * Beds: what the conformance tests run on. A bed makes a fresh NetworkPal; nothing in test/conformance asks which one.
 *
 * The real beds exist where the runner says so (IOCP_PAL_REAL, set for the Windows part); simulated ones run anywhere.
 */
import { existsSync, mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createNetworkPal, type NetworkPal, type PalOptions } from '../../src/index.ts';
import {
  simulateNetwork,
  type ProfileName,
  type SimulatedPlatform,
  type SimulatedNetwork,
} from '../../src/sim/index.ts';
import { wsapoll } from '../../src/wsapoll/index.ts';
import { removeAtExit } from '../../scripts/remove.mjs';

/** One implementation of the contract, in one configuration. */
export interface Bed {
  readonly name: string;
  /** Real completion ports, real sockets, real time. */
  readonly real: boolean;
  create(options?: PalOptions): NetworkPal;
  /** Writes a file that the bed's latest PAL can send, or changes it. Returns its path. */
  putFile(name: string, bytes: Uint8Array): string;
  /** Options that put several PALs into one process; none are needed on a real kernel. */
  oneProcess?(): PalOptions;
  /** A simulated platform's chance to move its time on; called between two looks at a condition that is awaited. */
  settle?(): void | Promise<void>;
}

function realBed(name: string, defaults: PalOptions): Bed {
  return {
    name,
    real: true,
    create: (options = {}) => createNetworkPal({ ...defaults, ...options }),
    putFile(file, bytes) {
      folder ??= temporaryFolder();
      const full = path.join(folder, file);
      writeFileSync(full, bytes, { flag: existsSync(full) ? 'r+' : 'w' });
      truncateSync(full, bytes.length);
      return full;
    },
  };
}

/** Where real beds put files; made when first needed, removed when the process ends. */
let folder: string | undefined;

function temporaryFolder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'iocp-pal-'));
  removeAtExit(made);
  return made;
}

/** Completion ports, where every operation ends with a packet. Windows only. */
export const iocpWorker = realBed('iocp worker', { waiter: 'worker', skipCompletionPortOnSuccess: false });
export const iocpInline = realBed('iocp inline', { waiter: 'inline', skipCompletionPortOnSuccess: false });
/** The default configuration. */
export const iocpSkipping = realBed('iocp worker, skipping packets', { waiter: 'worker' });

/** The other backend: WSAPoll, and the operation after its readiness. */
export const wsapollWorker = realBed('wsapoll worker', { backend: wsapoll, waiter: 'worker' });
export const wsapollInline = realBed('wsapoll inline', { backend: wsapoll, waiter: 'inline' });

const realBeds =
  process.env['IOCP_PAL_REAL'] === undefined
    ? []
    : [iocpWorker, iocpInline, iocpSkipping, wsapollWorker, wsapollInline];

/** What the network of the simulated beds carries at a time, bytes. */
export const SEGMENT_SIZE = 1460;

/**
 * The same backend on a simulated platform, in real time. All PALs of a bed share one network. Mocha keeps the process
 * alive, so the simulated ones never go idle either.
 */
function simulatedBed(profile: ProfileName, defaults: PalOptions): Bed {
  let network: SimulatedNetwork | null = null;
  let latest: SimulatedPlatform | null = null;
  const oneProcess = (): { platform: SimulatedPlatform } => {
    if (network === null) {
      network = simulateNetwork({ seed: 1, segmentSize: SEGMENT_SIZE });
      network.drive();
    }
    latest = network.platform({ profile, keepAlive: true });
    return { platform: latest };
  };
  return {
    name: `simulated ${profile}`,
    real: false,
    create: (options = {}) => createNetworkPal({ ...defaults, ...oneProcess(), ...options }),
    oneProcess,
    putFile(file, bytes) {
      latest?.files.put(file, bytes);
      return file;
    },
  };
}

/**
 * What Microsoft documents, and what Wine was seen to do. On every host. With the operations that a test needs: those of the
 * default take 8 MB for each PAL, for which V8 would collect garbage all the time.
 */
export const simulatedWindows = simulatedBed('windows', {
  waiter: 'worker',
  skipCompletionPortOnSuccess: false,
  maxOperations: 4096,
});
export const simulatedWine = simulatedBed('wine', { waiter: 'inline', maxOperations: 4096 });

const simulatedBeds = process.env['IOCP_PAL_REAL'] === undefined ? [simulatedWindows, simulatedWine] : [];

/** Every bed there is on this host. */
export const beds: readonly Bed[] = [...realBeds, ...simulatedBeds];

/** Describes `title` once per bed. */
export function onEveryBed(title: string, suite: (bed: Bed) => void): void {
  for (const bed of beds) {
    describe(`${title} [${bed.name}]`, () => {
      suite(bed);
    });
  }
}
