/**
 * Sockets that go to another process: WSADuplicateSocketW, and the WSASocketW that takes the duplicate there.
 *
 * The duplicate is a handle of the other process from the first call on, as on Windows: one that nobody takes stays open
 * until that process ends. It can be taken once, in that process only.
 */
import { WSAPROTOCOL_INFOW_SIZE } from '../../ffi/layouts.ts';
import { XP1_IFS_HANDLES } from '../../ffi/constants.ts';
import { WSAEINVAL, WSAEMFILE } from '../../ffi/wsa-errors.ts';
import type { SimulatedKernel } from './kernel.ts';
import type { SimulatedSocket } from './socket.ts';

/** WSAPROTOCOL_INFOW's members, as far as they matter: dwServiceFlags1, and what is reserved for the provider. */
const FLAGS_AT = 0;
const TICKET_AT = 112;

/** A duplicate that has not been taken. */
export interface Duplicate {
  readonly kernel: SimulatedKernel;
  /** Its number in that process. */
  readonly number: number;
}

/** Makes a duplicate. Returns 0 or a Winsock code. */
export function duplicate(kernel: SimulatedKernel, socket: SimulatedSocket, processId: number, info: number): number {
  const { network, memory } = kernel;
  const region = memory.at(info, WSAPROTOCOL_INFOW_SIZE, 'WSADuplicateSocketW: lpProtocolInfo');
  const target = network.kernels.find((one) => one.processId === processId);
  if (target === undefined) return WSAEINVAL;
  const number = target.takeNumber();
  if (number === 0) return WSAEMFILE;
  target.addHandle(socket, number);
  socket.addOwner(target, number);
  network.duplicates.push({ kernel: target, number });
  region.setUint32(info + FLAGS_AT, XP1_IFS_HANDLES);
  region.setUint32(info + TICKET_AT, network.duplicates.length);
  return 0;
}

/** The number of a duplicate that was made for this process; null when there is none, or somebody has it. */
export function takeDuplicate(kernel: SimulatedKernel, info: number): number | null {
  const { network, memory } = kernel;
  const region = memory.at(info, WSAPROTOCOL_INFOW_SIZE, 'WSASocketW: lpProtocolInfo');
  const place = region.getUint32(info + TICKET_AT) - 1;
  const found = network.duplicates[place];
  if (found?.kernel !== kernel) return null;
  network.duplicates[place] = null;
  return found.number;
}
