/** Why koffi cannot be used in this process, and what to do about it. */

import process from 'node:process';
import { messageOf } from './thrown.ts';

/** What is wrong: no koffi, koffi without its binary for this process, or a process that may not load it. */
export type KoffiProblem = 'no package' | 'no binary' | 'forbidden';

/** koffi cannot be loaded: thrown to whoever asks for it first. `cause` is koffi's or Node's own error. */
export class KoffiError extends Error {
  override readonly name = 'KoffiError';
  readonly problem: KoffiProblem;

  constructor(problem: KoffiProblem, message: string, cause: unknown) {
    super(message, { cause });
    this.problem = problem;
  }
}

/** The package that holds koffi's binary for this process. */
const BINARY_PACKAGE = `@koromix/koffi-${process.platform}-${process.arch}`;

const IN_A_BUNDLE =
  'In a bundle or a single executable, leave koffi outside and ship it in node_modules: docs/bundling.md';

/** Nowhere is a package of that name. */
export function koffiNotFound(places: readonly string[], cause: unknown): KoffiError {
  return new KoffiError(
    'no package',
    'Cannot call Windows: the package koffi, through which iocp-pal does, is not to be found from ' +
      `${places.join(' or ')}. Run "npm install koffi" there. ${IN_A_BUNDLE}`,
    cause,
  );
}

/** koffi is there, and does not load. */
export function koffiDoesNotLoad(cause: unknown): KoffiError {
  if (addonsAreForbidden()) {
    return new KoffiError(
      'forbidden',
      'Cannot call Windows: this process may not load native add-ons, and koffi, through which iocp-pal does, is one. ' +
        'Start Node.js with --allow-addons (with --permission), or without --no-addons',
      cause,
    );
  }
  if (isAccessDenied(cause)) {
    return new KoffiError(
      'forbidden',
      'Cannot call Windows: this process may not read koffi, through which iocp-pal does. ' +
        'Start Node.js with --allow-fs-read for node_modules, beside --allow-addons and --allow-worker',
      cause,
    );
  }
  return new KoffiError(
    'no binary',
    `Cannot call Windows: koffi is installed, but its binary, the package ${BINARY_PACKAGE}, is missing or does not load ` +
      `(${messageOf(cause)}). It is an optional dependency: run "npm install" ` +
      `without --omit=optional, on the system and processor that the program runs on. ${IN_A_BUNDLE}`,
    cause,
  );
}

/** koffi swallows what its add-on's loading throws, so Node.js is asked with an add-on that does not exist. */
function addonsAreForbidden(): boolean {
  try {
    process.dlopen({ exports: {} }, 'iocp-pal asks whether add-ons are allowed.node');
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED';
  }
}

function isAccessDenied(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_ACCESS_DENIED';
}
