/**
 * The errno word, libuv's number and the text that a Node program expects for a Win32 or Winsock error number.
 *
 * Nothing here depends on the operation. That a read says ECONNRESET where a write says ECANCELED is the library's
 * decision (docs/errors.md).
 */
import { getSystemErrorMap } from 'node:util';

import { LIBUV_WORDS, OWN_WORDS, SystemErrorCode, type SystemErrorName } from './wsa-errors.ts';

/**
 * Messages for words that the libuv of some supported Node does not have, in libuv's style: lower case, no full stop.
 */
const OWN_MESSAGES: ReadonlyMap<string, string> = new Map([
  ['EDQUOT', 'quota exceeded'],
  ['EINPROGRESS', 'operation now in progress'],
  ['ENETRESET', 'network dropped connection on reset'],
  ['ENODATA', 'no data available'],
  ['EPROCLIM', 'too many processes use Windows Sockets'],
  ['EREFUSED', 'query refused'],
  ['EREMOTE', 'item is not available locally'],
  ['ESTALE', 'stale handle reference'],
  ['ETOOMANYREFS', 'too many references to a kernel object'],
  ['EUSERS', 'user quota exceeded'],
  ['WSAEINVALIDPROCTABLE', 'the procedure table of the socket service provider is invalid'],
  ['WSAEINVALIDPROVIDER', 'the socket service provider returned an unsupported version'],
  [
    'WSAEPROVIDERFAILEDINIT',
    'a socket service provider failed to initialize: check the Winsock catalog (netsh winsock show catalog)',
  ],
  ['WSANOTINITIALISED', 'WSAStartup has not been called, or WSACleanup was called too often'],
  ['WSASYSCALLFAILURE', 'a system call that should never fail has failed'],
  ['WSAVERNOTSUPPORTED', 'the requested Windows Sockets version is not supported'],
]);

export interface SystemErrorDescription {
  /** Microsoft's name, 'WSAECONNRESET'; 'UNKNOWN' for a number that the table does not have. */
  readonly name: string;
  /** The errno word, 'ECONNRESET'; 'UNKNOWN' for a number that the table does not have. */
  readonly code: string;
  /**
   * libuv's number for the word in this process (-4077 on Windows, -104 on Linux), or the negated system error code:
   * see `describe`.
   */
  readonly errno: number;
  readonly message: string;
}

interface LibuvError {
  readonly errno: number;
  readonly message: string;
}

const nameByCode: ReadonlyMap<number, SystemErrorName> = new Map(
  (Object.keys(SystemErrorCode) as SystemErrorName[]).map((name) => [SystemErrorCode[name], name]),
);
const wordByName: ReadonlyMap<string, string> = new Map(Object.entries({ ...LIBUV_WORDS, ...OWN_WORDS }));

// Built at the first error: a program that never meets one does not pay for it.
let libuvErrors: ReadonlyMap<string, LibuvError> | undefined;

function findLibuvError(word: string): LibuvError | undefined {
  libuvErrors ??= new Map(Array.from(getSystemErrorMap(), ([errno, [name, message]]) => [name, { errno, message }]));
  return libuvErrors.get(word);
}

/**
 * Number and text come from the libuv of this process, so that they equal what node:net reports beside us. A word that
 * libuv does not have gets the negated system error code as its number: an `errno` is then always a negative number as
 * everywhere in Node (util.getSystemErrorName throws on undefined), and it cannot be mistaken for another error. Only
 * Winsock codes (10004 and up) get that far; libuv's numbers end at -4096.
 */
function describe(code: number, name: string, word: string): SystemErrorDescription {
  const libuv = findLibuvError(word);
  return {
    name,
    code: word,
    errno: libuv?.errno ?? -code,
    message: libuv?.message ?? OWN_MESSAGES.get(word) ?? `system error ${String(code)} (${name})`,
  };
}

/** A code without a word. The number is all there is to go by, so the message carries it. */
function describeUnknown(code: number): SystemErrorDescription {
  const { errno } = describe(code, 'UNKNOWN', 'UNKNOWN');
  // Somebody asked for the error after a failed call and got 0: the number was lost on the way (a later call cleared
  // it).
  if (code === 0)
    return { name: 'ERROR_SUCCESS', code: 'UNKNOWN', errno, message: 'unknown error: no error code was set (0)' };
  return { name: 'UNKNOWN', code: 'UNKNOWN', errno, message: `unknown error ${String(code)}` };
}

/**
 * Name, word, number and text for a Win32 or Winsock error code (GetLastError, WSAGetLastError,
 * ntStatusToWinsockError). Never throws.
 */
export function describeSystemError(code: number): SystemErrorDescription {
  const name = nameByCode.get(code);
  const word = name === undefined ? undefined : wordByName.get(name);
  return name === undefined || word === undefined ? describeUnknown(code) : describe(code, name, word);
}
