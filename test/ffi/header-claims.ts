/** What ffi/ says, as claims that a C compiler can check. */
import * as catalog from '../../ffi/catalog.ts';
import * as constants from '../../ffi/constants.ts';
import * as layouts from '../../ffi/layouts.ts';
import { WSAID } from '../../ffi/mswsock.ts';
import { NtStatus } from '../../ffi/ntstatus.ts';
import { SystemErrorCode } from '../../ffi/wsa-errors.ts';
import { C_DECLARATIONS } from './c-declarations.ts';

/** A C expression, and what it must be worth. Compared without signs, in 64 bits. */
export interface Claim {
  readonly name: string;
  readonly expression: string;
  readonly value: bigint;
}

/**
 * What the headers of mingw-w64 10 (Debian 12) do not have, each with the page that its value was read on. Newer ones may
 * have it, and are then asked like the rest.
 */
export const MAY_BE_MISSING: Readonly<Record<string, string>> = {
  SOMAXCONN_HINT_MIN: 'https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-listen',
  SOMAXCONN_HINT_MAX: 'https://learn.microsoft.com/windows/win32/api/winsock2/nf-winsock2-listen',
  TCP_KEEPIDLE: 'https://learn.microsoft.com/windows/win32/winsock/ipproto-tcp-socket-options',
  TCP_KEEPCNT: 'https://learn.microsoft.com/windows/win32/winsock/ipproto-tcp-socket-options',
  TCP_KEEPINTVL: 'https://learn.microsoft.com/windows/win32/winsock/ipproto-tcp-socket-options',
  SO_REUSE_UNICASTPORT: 'https://learn.microsoft.com/windows/win32/winsock/sol-socket-socket-options',
  SIO_UDP_NETRESET: 'https://learn.microsoft.com/windows/win32/winsock/winsock-ioctls',
  ERROR_HANDLES_CLOSED: 'https://learn.microsoft.com/windows/win32/debug/system-error-codes--500-999-',
};

/** Names of ours that are no names of the headers: the expression in their place. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  SOMAXCONN_HINT_MIN: '-SOMAXCONN_HINT(200)',
  SOMAXCONN_HINT_MAX: '-SOMAXCONN_HINT(65535)',
  WSADATA_SIZE: 'sizeof(WSADATA)',
  WSAPROTOCOL_CHARACTERS: 'WSAPROTOCOL_LEN + 1',
};

/** Structs whose C name is not ours. */
const STRUCTS: Readonly<Record<string, string>> = {
  sockaddr_in: 'struct sockaddr_in',
  sockaddr_in6: 'struct sockaddr_in6',
  ip_mreq: 'struct ip_mreq',
  ip_mreq_source: 'struct ip_mreq_source',
  ipv6_mreq: 'struct ipv6_mreq',
};

function claim(name: string, value: number): Claim {
  return { name, expression: EXPRESSIONS[name] ?? name, value: BigInt(value) };
}

function numbers(table: object): Claim[] {
  const entries = Object.entries(table).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return entries.map(([name, value]) => claim(name, value));
}

function structs(): Claim[] {
  return (Object.keys(C_DECLARATIONS) as (keyof typeof C_DECLARATIONS)[]).flatMap((name) => {
    const { size, ...offsets } = layouts[name] as Record<string, number> & { size: number };
    const type = STRUCTS[name] ?? name;
    const members = Object.entries(offsets).map(([member, offset]) => ({
      name: `offset of ${name}.${member}`,
      expression: `offsetof(${type}, ${member.startsWith('Chain') ? `ProtocolChain.${member}` : member})`,
      value: BigInt(offset),
    }));
    return [{ name: `size of ${name}`, expression: `sizeof(${type})`, value: BigInt(size) }, ...members];
  });
}

/** Every claim but the GUIDs. */
export const ALL_CLAIMS: readonly Claim[] = [
  ...numbers(constants),
  ...numbers(layouts).filter(({ name }) => name !== 'ACCEPTEX_ADDRESS_SLACK'),
  ...numbers(catalog),
  ...numbers(SystemErrorCode),
  ...numbers(NtStatus),
  ...structs(),
];

/** GUIDs by the macro of mswsock.h, as they are written there. */
export const GUIDS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(WSAID).map(([name, guid]) => [`WSAID_${name.toUpperCase()}`, guid]),
);

const INCLUDES = `
#define _WIN32_WINNT 0x0a00
#define WIN32_LEAN_AND_MEAN
#define WIN32_NO_STATUS
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>
#include <windows.h>
#include <winioctl.h>
#include <winternl.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>
#include <stddef.h>
`;

/** A C program that compiles exactly when all claims hold. */
export function program(claims: readonly Claim[]): string {
  const lines = claims.map(({ name, expression, value }) => {
    // Through 32 bits where ours has 32: headers write (DWORD)0xC0000120L, (NTSTATUS)0xC0000120 or a signed int.
    const bits = BigInt.asUintN(32, value).toString();
    const assertion = `_Static_assert((unsigned int)(unsigned long long)(${expression}) == ${bits}u, "${name}");`;
    if (!(name in MAY_BE_MISSING)) return assertion;
    return `#ifdef ${name.replace(/_M(IN|AX)$/, '')}\n${assertion}\n#endif`;
  });
  return INCLUDES + lines.join('\n');
}

/** A program whose preprocessed last lines are what a macro stands for. */
export function expansions(macros: readonly string[]): string {
  return INCLUDES + macros.map((macro) => `expansion: ${macro}`).join('\n');
}
