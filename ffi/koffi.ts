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

/**
 * Where another thread may load koffi from, best first (thread-koffi.ts): the native add-on that this thread has loaded,
 * wherever a bundler has put it, then koffi's main file. Absolute paths.
 */
export function koffiFiles(): readonly string[] {
  const koffi = loadKoffi();
  const require = createRequire(import.meta.url);
  const addon = Object.values(require.cache).find((module) => isKoffi(module?.exports, koffi));
  const files = addon === undefined ? [] : [addon.filename];
  try {
    files.push(require.resolve('koffi'));
  } catch {
    // It lies inside a bundle.
  }
  return files;
}

/** Is it the native add-on? koffi's module is made of its functions. */
function isKoffi(exports: unknown, koffi: KoffiModule): boolean {
  const { load, default: itself } = (exports ?? {}) as Partial<KoffiModule> & { default?: unknown };
  return itself === undefined && load !== undefined && load === koffi.load;
}
