/**
 * The Winsock catalog, as data: which providers a socket may come from. The backends do not call this, so it is no part of the
 * Win32Tables that a kernel is made of.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-wsaenumprotocolsw,
 * https://learn.microsoft.com/windows/win32/api/winsock2/ns-winsock2-wsaprotocol_infow
 */
import { bindTable } from './dll.ts';
import type { KoffiModule } from './koffi.ts';

/** Characters of szProtocol, with the 0 at its end (WSAPROTOCOL_LEN + 1). */
export const WSAPROTOCOL_CHARACTERS = 256;

/** Binds it. Throws koffi's error when there is no such DLL. */
export function loadCatalogFunctions(koffi: KoffiModule) {
  return bindTable(koffi, 'ws2_32.dll', {
    /**
     * Writes WSAPROTOCOL_INFOW after WSAPROTOCOL_INFOW. lpiProtocols: address of a list of protocols that ends in 0, or 0 for
     * all; lpdwBufferLength: address of the buffer's length in bytes, which receives the length that is needed. Returns the
     * number of entries, or SOCKET_ERROR (-1), with WSAENOBUFS (10055) for a buffer that is too short.
     */
    WSAEnumProtocolsW:
      'int __stdcall WSAEnumProtocolsW(uintptr_t lpiProtocols, uintptr_t lpProtocolBuffer, uintptr_t lpdwBufferLength)',
  });
}

/** One function of ws2_32.dll. */
export type CatalogFunctions = ReturnType<typeof loadCatalogFunctions>;
