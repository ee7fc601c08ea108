/**
 * koffi, loaded when it is first needed: importing iocp-pal on Linux, for its simulated kernel, must not depend on koffi
 * having a binary for that host.
 *
 * `createRequire` and not `import()`: createNetworkPal is synchronous, and so must this be.
 */
import { createRequire } from 'node:module';

/** The shape of the koffi module (https://koffi.dev). */
export type KoffiModule = typeof import('koffi');

let loaded: KoffiModule | undefined;

/** Loads koffi once per thread. Throws koffi's own error when it has no binary for this host. */
export function loadKoffi(): KoffiModule {
  loaded ??= createRequire(import.meta.url)('koffi') as KoffiModule;
  return loaded;
}
