/** Rules that say which addresses are blocked: net.BlockList, as options take it. */
import { BlockList } from 'node:net';

/** Anything that can say whether an address is blocked: another copy of the class is as good. */
export function isBlockList(value: unknown): value is BlockList {
  return value instanceof BlockList || typeof (value as Partial<BlockList> | null)?.check === 'function';
}

/** Whether a list names this address. */
export function isBlockedBy(list: BlockList | undefined, address: string, family: 4 | 6): boolean {
  return list?.check(address, family === 4 ? 'ipv4' : 'ipv6') === true;
}
