/** What every PAL of this thread has open and waits for, on demand: for a server that seems to be stuck. */
import process from 'node:process';
import { describeOpenPals } from '../runtime/open-pals.ts';
import { readOptions, type OptionNames } from '../util/read-options.ts';
import { requireFunction, wrongType } from '../util/validate.ts';

/** Options of describeOnSignal. */
export interface DescribeOptions {
  /**
   * A signal, or the name of any other event of `process`. Default: SIGBREAK on Windows, which is Ctrl+Break, and SIGUSR2 elsewhere.
   * Source: https://nodejs.org/api/process.html#signal-events
   */
  signal?: string | undefined;
  /** Is given the text. Default: `console.error`. */
  print?: ((text: string) => void) | undefined;
}

const OPTIONS: OptionNames<DescribeOptions> = { signal: false, print: false };

/**
 * What describe() says of every PAL of this thread that is open, one after the other; that of `sharedPal()` is among them. Makes no
 * system call, and changes nothing.
 */
export function describePals(): string {
  return describeOpenPals();
}

/**
 * Prints describePals() whenever the signal comes. It does not keep the process alive, and a signal that would have ended the process
 * no longer does. Node.js delivers signals to the main thread alone; a worker thread calls describePals() when it is asked to.
 * @returns undoes it
 * @throws TypeError for options that make no sense.
 * @example
 * describeOnSignal(); // then press Ctrl+Break in the console of the server
 */
export function describeOnSignal(options: DescribeOptions = {}): () => void {
  const given = readOptions<DescribeOptions>(options, OPTIONS);
  const signal = given.signal ?? (process.platform === 'win32' ? 'SIGBREAK' : 'SIGUSR2');
  const print = given.print ?? ((text: string) => console.error(text));
  if (typeof signal !== 'string') throw wrongType('signal', 'a name, such as ‘SIGBREAK’,', signal);
  requireFunction('print', print);
  const onSignal = (): void => print(`iocp-pal has open:\n${describePals()}`);
  process.on(signal, onSignal);
  return () => void process.off(signal, onSignal);
}
