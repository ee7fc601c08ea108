/** The modules that the tests of iocp-pal/net run on. */
import nodeNet from 'node:net';
import { windowsNet } from '../../../src/net/windows-net.ts';
import { onNodesAndOurs } from '../../support/face-beds.ts';

/** One module with the shape of node:net. */
export interface NetBed {
  readonly net: typeof nodeNet;
  /** True where it is iocp-pal/net. */
  readonly ours: boolean;
}

/** Describes `title` once per module. */
export function onEveryNet(title: string, suite: (bed: NetBed) => void): void {
  onNodesAndOurs(title, 'net', (ours) => suite({ net: ours ? windowsNet : nodeNet, ours }));
}
