/**
 * AcceptEx and its kin, asked for once per address family: each family has its own provider, and a provider's functions
 * are the same for all of its sockets.
 */
import { Buffer } from 'node:buffer';
import { checkWinsock, Win32Error } from '../../ffi/check.ts';
import { SIO_GET_EXTENSION_FUNCTION_POINTER } from '../../ffi/constants.ts';
import { GUID } from '../../ffi/layouts.ts';
import { WSAID, type Mswsock } from '../../ffi/mswsock.ts';
import type { Win32Tables } from '../../ffi/tables.ts';
import type { Counters } from '../loop/counters.ts';
import type { Scratch } from '../memory/scratch.ts';

/** What every provider has. */
export type FamilyFunctions = Pick<Mswsock, 'AcceptEx' | 'ConnectEx' | 'GetAcceptExSockaddrs'>;

/** Offsets in the scratch page. */
const GUID_AT = 0;
const POINTER_AT = 16;
const BYTES_AT = 24;
const POINTER_SIZE = 8;

export class ExtensionFunctions {
  readonly #tables: Win32Tables;
  readonly #scratch: Scratch;
  readonly #counters: Counters;
  readonly #families = new Map<4 | 6, FamilyFunctions>();
  readonly #transmitFile = new Map<4 | 6, Mswsock['TransmitFile'] | null>();
  readonly #disconnectEx = new Map<4 | 6, Mswsock['DisconnectEx']>();

  constructor(tables: Win32Tables, scratch: Scratch, counters: Counters) {
    this.#tables = tables;
    this.#scratch = scratch;
    this.#counters = counters;
  }

  /** The functions of a family; the first call asks through `socket`. Throws Win32Error when the provider has none. */
  of(family: 4 | 6, socket: number): FamilyFunctions {
    let functions = this.#families.get(family);
    if (functions === undefined) {
      const { mswsock } = this.#tables;
      functions = {
        AcceptEx: mswsock.AcceptEx(this.#pointer(socket, WSAID.AcceptEx)),
        ConnectEx: mswsock.ConnectEx(this.#pointer(socket, WSAID.ConnectEx)),
        GetAcceptExSockaddrs: mswsock.GetAcceptExSockaddrs(this.#pointer(socket, WSAID.GetAcceptExSockaddrs)),
      };
      this.#families.set(family, functions);
    }
    return functions;
  }

  /** TransmitFile of a family, or null when the provider has none: a service that a layered one may leave out. */
  transmitFile(family: 4 | 6, socket: number): Mswsock['TransmitFile'] | null {
    let found = this.#transmitFile.get(family);
    if (found === undefined) {
      try {
        found = this.#tables.mswsock.TransmitFile(this.#pointer(socket, WSAID.TransmitFile));
      } catch (error) {
        if (!(error instanceof Win32Error)) throw error;
        found = null;
      }
      this.#transmitFile.set(family, found);
    }
    return found;
  }

  /** DisconnectEx of a family, asked for by the first who needs it. Throws Win32Error when the provider has none. */
  disconnectEx(family: 4 | 6, socket: number): Mswsock['DisconnectEx'] {
    let found = this.#disconnectEx.get(family);
    if (found === undefined) {
      found = this.#tables.mswsock.DisconnectEx(this.#pointer(socket, WSAID.DisconnectEx));
      this.#disconnectEx.set(family, found);
    }
    return found;
  }

  #pointer(socket: number, guid: string): number {
    const { address } = this.#scratch;
    this.#writeGuid(guid);
    this.#counters.syscalls.WSAIoctl++;
    const result = this.#tables.ws2_32.WSAIoctl(
      socket,
      SIO_GET_EXTENSION_FUNCTION_POINTER,
      address + GUID_AT,
      GUID.size,
      address + POINTER_AT,
      POINTER_SIZE,
      address + BYTES_AT,
      0,
      0,
    );
    checkWinsock(result, this.#tables.ws2_32, 'WSAIoctl(SIO_GET_EXTENSION_FUNCTION_POINTER)');
    return this.#scratch.pointerAt(POINTER_AT);
  }

  #writeGuid(text: string): void {
    const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
    // Data1, Data2 and Data3 are little-endian numbers, and read from left to right in the text.
    bytes.subarray(GUID.Data1, GUID.Data2).reverse();
    bytes.subarray(GUID.Data2, GUID.Data3).reverse();
    bytes.subarray(GUID.Data3, GUID.Data4).reverse();
    this.#scratch.bytes.set(bytes, GUID_AT);
  }
}
