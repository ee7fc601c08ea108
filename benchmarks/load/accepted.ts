/**
 * Waits until the server has got all of its connections. connect() succeeds as soon as the connection is in the system's
 * backlog, and a busy server takes it out of there much later: with 5000 connections of which the first thousand were
 * sending already, the last one had waited for minutes, in every peer's server alike. A measurement of N connections
 * begins when there are N.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Usage } from '../servers/control.ts';

const ASK_EVERY_MS = 50;
/** A server that has taken nothing for so long is not going to. */
const STALL_MS = 20_000;

/** A server that can be asked, in a process of its own or not. */
export interface AskedServer {
  readonly port: number;
  usage(): Promise<Pick<Usage, 'accepted'>>;
}

/** @param count connections opened since the server started. */
export async function allAccepted(server: AskedServer, count: number): Promise<void> {
  let before = -1;
  let movedAt = performance.now();
  for (;;) {
    const { accepted } = await server.usage();
    if (accepted >= count) return;
    if (accepted !== before) movedAt = performance.now();
    else if (performance.now() - movedAt > STALL_MS) {
      throw new Error(`The server has accepted ${accepted} of ${count} connections, and none for ${STALL_MS / 1000} s`);
    }
    before = accepted;
    await sleep(ASK_EVERY_MS);
  }
}
