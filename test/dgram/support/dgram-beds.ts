/** The modules that the tests of iocp-pal/dgram run on. */
import nodeDgram from 'node:dgram';
import { windowsDgram } from '../../../src/dgram/windows-dgram.ts';
import { onNodesAndOurs } from '../../support/face-beds.ts';

/** One module with the shape of node:dgram. */
export interface DgramBed {
  readonly dgram: typeof nodeDgram;
  /** True where it is iocp-pal/dgram. */
  readonly ours: boolean;
  /** True where its sockets are on a simulated Windows. */
  readonly simulated: boolean;
}

/** Describes `title` once per module. */
export function onEveryDgram(title: string, suite: (bed: DgramBed) => void): void {
  onNodesAndOurs(title, 'dgram', (ours, bed) =>
    suite({ dgram: ours ? windowsDgram : nodeDgram, ours, simulated: bed?.real === false }),
  );
}
