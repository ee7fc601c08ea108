/** What the tests of iocp-pal/promises run on: every foundation of it that this host has. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { removeAtExit } from '../../scripts/remove.mjs';
import { networkOn, type Network } from '../../src/promises/network.ts';
import { nodeSockets } from '../../src/promises/sockets/node-sockets.ts';
import { networkOver } from '../../src/promises/index.ts';
import { simulate, type Simulation } from '../../src/simulation/index.ts';
import { beds } from './beds.ts';
import { testPal } from './pal-fixture.ts';

/** Valid inside hooks and tests. */
export interface NetworkFixture {
  readonly network: Network;
  /** How its errors look where Windows and other systems differ. */
  readonly isNode: boolean;
  /** Writes a file that a connection can send. Returns its path. */
  putFile(name: string, bytes: Uint8Array): string;
}

/** Describes `title` once per foundation: PALs on every bed; and where there is no Windows, simulate() and node:net. */
export function onEveryNetwork(title: string, suite: (fixture: NetworkFixture) => void): void {
  for (const bed of beds) {
    describe(`${title} [${bed.name}]`, () => {
      const fixture = testPal(bed);
      suite({
        isNode: false,
        putFile: (name, bytes) => bed.putFile(name, bytes),
        get network() {
          return networkOver(fixture.pal);
        },
      });
    });
  }
  if (process.env['IOCP_PAL_REAL'] !== undefined) return;
  describe(`${title} [simulate()]`, () => {
    let simulation: Simulation;
    beforeEach(() => void (simulation = simulate({ seed: 1, segmentSize: 1460 })));
    afterEach(() => simulation.close());
    suite({
      isNode: false,
      putFile(file, bytes) {
        simulation.platform.files.put(file, bytes);
        return file;
      },
      get network() {
        return simulation;
      },
    });
  });
  describe(`${title} [node:net]`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-'));
    removeAtExit(folder);
    const putFile = (name: string, bytes: Uint8Array): string => {
      const file = path.join(folder, name);
      writeFileSync(file, bytes);
      return file;
    };
    suite({ isNode: true, network: networkOn(nodeSockets), putFile });
  });
}

/** Two sides of a connection, and the server that accepted it. */
export async function connected({ network }: NetworkFixture) {
  const server = await network.listen();
  const accepting = server.accept();
  const client = await network.connect({ port: server.port });
  return { server, client, served: await accepting };
}

/** What the call is rejected with. */
export async function failureOf(call: Promise<unknown>): Promise<NodeJS.ErrnoException & { kind?: number }> {
  try {
    await call;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error('The call succeeded');
}
