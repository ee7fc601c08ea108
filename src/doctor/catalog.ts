/** The Winsock catalog as it is installed here. */
import { checkWinsock } from '../../ffi/check.ts';
import type { CatalogFunctions } from '../../ffi/catalog.ts';
import { WSAPROTOCOL_CHARACTERS } from '../../ffi/catalog.ts';
import { WSAPROTOCOL_INFOW } from '../../ffi/layouts.ts';
import { AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, SOCKET_ERROR, XP1_IFS_HANDLES } from '../../ffi/constants.ts';
import type { Win32Tables } from '../../ffi/tables.ts';

export interface Provider {
  /** As its vendor calls it. */
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly family: 4 | 6;
  /** Its sockets are real file handles (XP1_IFS_HANDLES), which completion ports need. */
  readonly realHandles: boolean;
  /** 0 for a layer by itself, 1 for a provider of the system, more for a chain of layers over one. */
  readonly chainLength: number;
}

/** More than any catalog holds: a machine has between 10 and 60 entries. */
const MAX_ENTRIES = 1000;

/** All entries for TCP and UDP over IPv4 and IPv6. Throws Win32Error; Winsock must have been started. */
export function readCatalog(functions: CatalogFunctions, tables: Win32Tables): Provider[] {
  const { ws2_32, memory } = tables;
  const region = memory.allocate(MAX_ENTRIES * WSAPROTOCOL_INFOW.size + 8);
  if (region === null) throw new RangeError('Cannot read the Winsock catalog: out of memory');
  try {
    const view = new DataView(region.buffer);
    const lengthAt = MAX_ENTRIES * WSAPROTOCOL_INFOW.size;
    view.setUint32(lengthAt, lengthAt, true);
    const count = functions.WSAEnumProtocolsW(0, region.address, region.address + lengthAt);
    if (count === SOCKET_ERROR) checkWinsock(count, ws2_32, 'WSAEnumProtocolsW');
    return Array.from({ length: count }, (_, index) => providerAt(view, index * WSAPROTOCOL_INFOW.size)).filter(
      (provider) => provider !== null,
    );
  } finally {
    memory.release(region.address);
  }
}

/** Null for an entry of another protocol. */
export function providerAt(view: DataView, offset: number): Provider | null {
  const family = view.getInt32(offset + WSAPROTOCOL_INFOW.iAddressFamily, true);
  const protocol = view.getInt32(offset + WSAPROTOCOL_INFOW.iProtocol, true);
  if ((family !== AF_INET && family !== AF_INET6) || (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP))
    return null;
  return {
    name: textAt(view, offset + WSAPROTOCOL_INFOW.szProtocol),
    protocol: protocol === IPPROTO_TCP ? 'TCP' : 'UDP',
    family: family === AF_INET ? 4 : 6,
    realHandles: (view.getUint32(offset + WSAPROTOCOL_INFOW.dwServiceFlags1, true) & XP1_IFS_HANDLES) !== 0,
    chainLength: view.getInt32(offset + WSAPROTOCOL_INFOW.ChainLen, true),
  };
}

function textAt(view: DataView, offset: number): string {
  let text = '';
  for (let index = 0; index < WSAPROTOCOL_CHARACTERS; index++) {
    const character = view.getUint16(offset + 2 * index, true);
    if (character === 0) break;
    text += String.fromCharCode(character);
  }
  return text;
}
