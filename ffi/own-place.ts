/**
 * Where this module lies, and what a bundler has put beside it. In the published CommonJS files own-place.cjs takes the
 * place of this one.
 */
import type { KoffiModule } from './koffi.ts';

/** This module's URL. Undefined in a CommonJS file that a bundler has made of it: there is no import.meta. */
export function ownPlace(): string | undefined {
  return import.meta.url;
}

/**
 * The koffi inside the bundle. An ES module's bundle has none: whatever looks like require() in it, bundlers replace by
 * functions that throw, and import() answers too late.
 */
export function bundledKoffi(): KoffiModule {
  throw Object.assign(new Error("Cannot find module 'koffi' in a bundle of ES modules"), { code: 'MODULE_NOT_FOUND' });
}
