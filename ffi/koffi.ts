/**
 * koffi, loaded when it is first needed: importing iocp-pal on Linux, for its simulated platform, must not depend on koffi
 * having a binary for that host.
 *
 * `createRequire` and not `import()`: createNetworkPal is synchronous, and so must this be. Nor is it an `import` that
 * bundlers see: koffi's native add-on cannot go into a bundle as it is. So koffi is looked for beside this module, which
 * in a bundle is the bundle; then in the bundle itself, where a bundler knows how to take it in; then where the program's
 * main file is; and last beside the executable, for single executables.
 */
import process from 'node:process';
import { koffiDoesNotLoad, koffiNotFound } from './koffi-error.ts';
import { bundledKoffi, ownPlace } from './own-place.ts';

/** The shape of the koffi module (https://koffi.dev). */
export type KoffiModule = typeof import('koffi');

let loaded: KoffiModule | undefined;
let mainFile: string | undefined;

/** Loads koffi once per thread. Throws KoffiError, with what to do, when there is none for this process. */
export function loadKoffi(): KoffiModule {
  loaded ??= findKoffi();
  return loaded;
}

function findKoffi(): KoffiModule {
  let failure: unknown;
  let notFound: unknown;
  const here = [ownPlace(), placeInCommonJs()].filter(isPlace);
  const program = [process.argv[1], process.execPath].filter(isPlace);
  for (const load of [...here.map(loaderFrom), bundledKoffi, ...program.map(loaderFrom)]) {
    try {
      return load();
    } catch (error) {
      if (isNotFound(error)) notFound = error;
      else failure ??= error;
    }
  }
  throw failure === undefined ? koffiNotFound([...here, ...program], notFound) : koffiDoesNotLoad(failure);
}

/** A bundler may have made CommonJS of this ES module: no import.meta then, but a file name. */
function placeInCommonJs(): string | undefined {
  try {
    return __filename; // not typeof: webpack answers that with 'string', also where there is none
  } catch {
    return undefined;
  }
}

function isPlace(place: string | undefined): place is string {
  return place !== undefined && place !== '';
}

function loaderFrom(place: string): () => KoffiModule {
  return () => {
    const require = requireFrom(place);
    const koffi = require('koffi') as KoffiModule;
    mainFile = require.resolve('koffi');
    return koffi;
  };
}

/** Node's own createRequire, whatever a test runner offers in its place: an add-on belongs to the process, not to a test. */
function requireFrom(place: string): NodeJS.Require {
  return globalThis.process.getBuiltinModule('node:module').createRequire(place);
}

function isNotFound(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  // createRequire refuses a place that is none here: a bundler wrote it down, perhaps on another system.
  if (code === 'ERR_INVALID_ARG_VALUE' || code === 'ERR_INVALID_FILE_URL_PATH') return true;
  return code === 'MODULE_NOT_FOUND' && message.includes("'koffi'");
}

/**
 * Where another thread may load koffi from, best first (thread-koffi.ts): the native add-on that this thread has loaded,
 * wherever a bundler has put it, then koffi's main file. Absolute paths.
 */
export function koffiFiles(): readonly string[] {
  const koffi = loadKoffi();
  const modules = Object.values(requireFrom(process.execPath).cache);
  // Only of native add-ons: what a program's own modules export may be getters and proxies, which nobody may ask unasked.
  const addon = modules.find((module) => String(module?.filename).endsWith('.node') && isKoffi(module?.exports, koffi));
  return [addon?.filename, mainFile].filter((file) => file !== undefined);
}

/** Is it the native add-on? koffi's module is made of its functions. */
function isKoffi(exports: unknown, koffi: KoffiModule): boolean {
  const { load, default: itself } = (exports ?? {}) as Partial<KoffiModule> & { default?: unknown };
  return itself === undefined && load !== undefined && load === koffi.load;
}
