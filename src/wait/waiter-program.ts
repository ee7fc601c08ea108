/**
 * What a waiter thread runs, as text.
 *
 * A thread that is started from a file needs that file: bundlers leave it behind, single executables have no files, tsx
 * does not load TypeScript in threads on Node 20, and jest has paths of its own. So a waiter's program is text, made of
 * functions that need nothing but their parameters. From source it is the text of the functions themselves
 * (`Function.prototype.toString`), whoever has stripped or compiled their types. `npm run build` writes it down as a
 * string, in every module whose name ends in -program: then no bundler, minifier or bytecode compiler can change it.
 */
import { bindFunction, loadKoffiFrom } from '../../ffi/thread-koffi.ts';
import type { KoffiModule } from '../../ffi/koffi.ts';
import { waitUntilStopped, type PermitProtocol, type WaiterMessage, type WaitOnce } from './wait-permit.ts';

/** What every waiter thread is started with. Handles and addresses are numbers, valid in the whole process. */
export interface WaiterData {
  control: Int32Array;
  protocol: PermitProtocol;
  /** Where koffi may be loaded from: ffi/thread-koffi.ts. */
  koffi: readonly string[];
}

/** Makes the wait of one kind of waiter. Only its text is used: it must need nothing but its parameters. */
export type MakeWait<Data> = (data: Data, koffi: KoffiModule, bind: typeof bindFunction) => WaitOnce;

/** The program of a waiter thread that waits in the way that `makeWait` makes. */
export function waiterProgram<Data extends WaiterData>(makeWait: MakeWait<Data>): string {
  const parts = [loadKoffiFrom, bindFunction, waitUntilStopped, makeWait];
  return `'use strict';\n(${String(startWaiter)})(\n${parts.map(String).join(',\n')},\n);\n`;
}

function startWaiter(
  load: typeof loadKoffiFrom,
  bind: typeof bindFunction,
  run: typeof waitUntilStopped,
  makeWait: MakeWait<WaiterData>,
): void {
  const threads = globalThis.process.getBuiltinModule('node:worker_threads');
  const data = threads.workerData as WaiterData;
  const { control, protocol } = data;
  // The process may be ending already, which then does not wait for this thread (endStartup).
  if (Atomics.compareExchange(control, protocol.STARTUP, protocol.NOT_BEGUN, protocol.UNDER_WAY) !== protocol.NOT_BEGUN)
    return;
  let waitOnce: WaitOnce;
  try {
    waitOnce = makeWait(data, load(data.koffi), bind);
  } finally {
    Atomics.store(control, protocol.STARTUP, protocol.OVER);
    Atomics.notify(control, protocol.STARTUP);
  }
  run(control, protocol, waitOnce, (message: WaiterMessage) => {
    threads.parentPort?.postMessage(message);
  });
}
