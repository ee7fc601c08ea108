/**
 * The Winsock extension functions. They are not linked but asked for, socket by socket, with
 * WSAIoctl(SIO_GET_EXTENSION_FUNCTION_POINTER): each service provider has its own, and the exports of mswsock.dll only
 * look them up anew on every call.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/mswsock/
 */
import type { KoffiModule } from './koffi.ts';

/** Returns BOOL; FALSE with ERROR_IO_PENDING (997) means that a packet will come on the listener's port. */
export type AcceptEx = (
  sListenSocket: number,
  sAcceptSocket: number,
  lpOutputBuffer: number,
  dwReceiveDataLength: number,
  dwLocalAddressLength: number,
  dwRemoteAddressLength: number,
  lpdwBytesReceived: number,
  lpOverlapped: number,
) => number;

/** Returns BOOL; the socket must be bound first. FALSE with 997 means that a packet will come. */
export type ConnectEx = (
  s: number,
  name: number,
  namelen: number,
  lpSendBuffer: number,
  dwSendDataLength: number,
  lpdwBytesSent: number,
  lpOverlapped: number,
) => number;

/** Finds the two addresses in AcceptEx's output buffer. All but the lengths are addresses of out-parameters. */
export type GetAcceptExSockaddrs = (
  lpOutputBuffer: number,
  dwReceiveDataLength: number,
  dwLocalAddressLength: number,
  dwRemoteAddressLength: number,
  LocalSockaddr: number,
  LocalSockaddrLength: number,
  RemoteSockaddr: number,
  RemoteSockaddrLength: number,
) => void;

/** The functions behind the pointers that SIO_GET_EXTENSION_FUNCTION_POINTER gives. */
export interface MswsockPointers {
  AcceptEx(pointer: number): AcceptEx;
  ConnectEx(pointer: number): ConnectEx;
  GetAcceptExSockaddrs(pointer: number): GetAcceptExSockaddrs;
}

/** GUIDs by which the functions are asked for, from mswsock.h. */
export const WSAID = {
  AcceptEx: 'b5367df1-cbac-11cf-95ca-00805f48a192',
  ConnectEx: '25a207b9-ddf3-4660-8ee9-76e58c74063e',
  GetAcceptExSockaddrs: 'b5367df2-cbac-11cf-95ca-00805f48a192',
} as const;

/** Makes pointers callable. Prototypes are nameless: koffi refuses the same name twice in one process. */
export function bindMswsock(koffi: KoffiModule): MswsockPointers {
  const acceptEx = koffi.proto(
    'int __stdcall AcceptEx(uintptr_t sListenSocket, uintptr_t sAcceptSocket, uintptr_t lpOutputBuffer, uint32_t dwReceiveDataLength, uint32_t dwLocalAddressLength, uint32_t dwRemoteAddressLength, uintptr_t lpdwBytesReceived, uintptr_t lpOverlapped)',
  );
  const connectEx = koffi.proto(
    'int __stdcall ConnectEx(uintptr_t s, uintptr_t name, int namelen, uintptr_t lpSendBuffer, uint32_t dwSendDataLength, uintptr_t lpdwBytesSent, uintptr_t lpOverlapped)',
  );
  const getAcceptExSockaddrs = koffi.proto(
    'void __stdcall GetAcceptExSockaddrs(uintptr_t lpOutputBuffer, uint32_t dwReceiveDataLength, uint32_t dwLocalAddressLength, uint32_t dwRemoteAddressLength, uintptr_t LocalSockaddr, uintptr_t LocalSockaddrLength, uintptr_t RemoteSockaddr, uintptr_t RemoteSockaddrLength)',
  );
  return {
    AcceptEx: (pointer) => koffi.decode(BigInt(pointer), acceptEx) as AcceptEx,
    ConnectEx: (pointer) => koffi.decode(BigInt(pointer), connectEx) as ConnectEx,
    GetAcceptExSockaddrs: (pointer) => koffi.decode(BigInt(pointer), getAcceptExSockaddrs) as GetAcceptExSockaddrs,
  };
}
