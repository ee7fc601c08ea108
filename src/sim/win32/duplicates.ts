/**
 * Sockets that go to another process: WSADuplicateSocketW, and the WSASocketW that takes the duplicate there.
 *
 * The duplicate is a handle of the other process from the first call on, as on Windows: one that nobody takes stays open
 * until that process ends. It can be taken once, in that process only.
 */
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_STREAM,
  XP1_IFS_HANDLES,
} from '../../../ffi/constants.ts';
import { WSAPROTOCOL_INFOW } from '../../../ffi/layouts.ts';
import { WSAEINVAL, WSAEMFILE } from '../../../ffi/wsa-errors.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import type { Region } from '../memory/memory.ts';
import type { SimulatedSocket } from '../kernel/socket.ts';

/** Where a duplicate has its number: the provider's own member. */
const TICKET_AT = WSAPROTOCOL_INFOW.dwProviderReserved;

/** A duplicate that has not been taken. */
export interface Duplicate {
  readonly platform: SimulatedProcess;
  /** Its number in that process. */
  readonly number: number;
}

/** Makes a duplicate. Returns 0 or a Winsock code. */
export function duplicate(
  platform: SimulatedProcess,
  socket: SimulatedSocket,
  processId: number,
  info: number,
): number {
  const { network, memory } = platform;
  const region = memory.at(info, WSAPROTOCOL_INFOW.size, 'WSADuplicateSocketW: lpProtocolInfo');
  const target = network.platforms.find((one) => one.processId === processId);
  if (target === undefined) return WSAEINVAL;
  const number = target.takeNumber();
  if (number === 0) return WSAEMFILE;
  target.addHandle(socket, number);
  socket.addOwner(target, number);
  network.duplicates.push({ platform: target, number });
  writeProtocol(region, info, socket, XP1_IFS_HANDLES);
  region.setUint32(info + TICKET_AT, network.duplicates.length);
  return 0;
}

/** What SO_PROTOCOL_INFOW and a duplicate say of a socket. */
export function writeProtocol(region: Region, info: number, { family, udp }: SimulatedSocket, flags: number): void {
  const { dwServiceFlags1, iAddressFamily, iSocketType, iProtocol, size } = WSAPROTOCOL_INFOW;
  region.bytes.fill(0, info - region.address, info - region.address + size);
  region.setUint32(info + dwServiceFlags1, flags);
  region.setUint32(info + iAddressFamily, family === 4 ? AF_INET : AF_INET6);
  region.setUint32(info + iSocketType, udp === null ? SOCK_STREAM : SOCK_DGRAM);
  region.setUint32(info + iProtocol, udp === null ? IPPROTO_TCP : IPPROTO_UDP);
}

/** The number of a duplicate that was made for this process; null when there is none, or somebody has it. */
export function takeDuplicate(platform: SimulatedProcess, info: number): number | null {
  const { network, memory } = platform;
  const region = memory.at(info, WSAPROTOCOL_INFOW.size, 'WSASocketW: lpProtocolInfo');
  const place = region.getUint32(info + TICKET_AT) - 1;
  const found = network.duplicates[place];
  if (found?.platform !== platform) return null;
  network.duplicates[place] = null;
  return found.number;
}
