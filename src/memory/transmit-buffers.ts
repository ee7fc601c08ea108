/** What TransmitFile is given in the slot of its operation, and what it answers where it is unavailable. */
import { INVALID_HANDLE_VALUE } from '../../ffi/constants.ts';
import { OVERLAPPED, TRANSMIT_FILE_BUFFERS } from '../../ffi/layouts.ts';
import { ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED, WSAEINVAL, WSAEOPNOTSUPP } from '../../ffi/wsa-errors.ts';
import type { Files } from '../platform/platform.ts';
import type { OperationTable } from './operation-table.ts';
import { SLOT, type Operation } from './operation.ts';
import { TWO_32 } from '../util/bytes.ts';

/**
 * Bytes of a file that one TransmitFile is given: 1 MiB. The system takes up to 2^31 - 2; smaller pieces are what progress
 * is told by, what a cancel has to wait for, and how long one of the two that a client Windows serves keeps its place.
 */
export const TRANSMIT_BYTES = 2 ** 20;
/** What TransmitFile fails with where it cannot do it at all: a provider without it, a file of a kind it cannot read. */
const REFUSALS: ReadonlySet<number> = new Set([WSAEOPNOTSUPP, WSAEINVAL, ERROR_NOT_SUPPORTED, ERROR_INVALID_PARAMETER]);

/** The error says that this is not a socket, or not a file, for TransmitFile. */
export function isRefusal(error: number): boolean {
  return REFUSALS.has(error);
}

/** The HANDLE behind a descriptor; INVALID_HANDLE_VALUE where it cannot be had: the file is read and sent then. */
export function handleBehind(files: Files, fd: number): number {
  try {
    return files.handleOf(fd);
  } catch {
    return INVALID_HANDLE_VALUE;
  }
}

/** Sets the byte of the file that the operation begins at. */
export function setPosition({ words }: OperationTable, { word }: Operation, position: number): void {
  words[word + OVERLAPPED.Offset / 4] = position % TWO_32;
  words[word + OVERLAPPED.OffsetHigh / 4] = Math.floor(position / TWO_32);
}

/** Sets what goes out in front of the file. Returns the address of the TRANSMIT_FILE_BUFFERS, which lie where a send has its WSABUFs. */
export function setHead({ words }: OperationTable, operation: Operation, address: number, length: number): number {
  const word = operation.word + SLOT.WSABUFS / 4;
  words.fill(0, word, word + TRANSMIT_FILE_BUFFERS.size / 4);
  words[word + TRANSMIT_FILE_BUFFERS.Head / 4] = address % TWO_32;
  words[word + TRANSMIT_FILE_BUFFERS.Head / 4 + 1] = Math.floor(address / TWO_32);
  words[word + TRANSMIT_FILE_BUFFERS.HeadLength / 4] = length;
  return operation.address + SLOT.WSABUFS;
}
