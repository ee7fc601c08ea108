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

/**
 * Returns BOOL; FALSE with 997 means that a packet will come. TF_REUSE_SOCKET: afterwards the socket can be given to
 * AcceptEx again. reserved: 0.
 */
export type DisconnectEx = (s: number, lpOverlapped: number, dwFlags: number, dwReserved: number) => number;

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

/**
 * Sends bytes of a file, from OVERLAPPED.Offset and OffsetHigh on, with what lpTransmitBuffers has around them. Returns
 * BOOL; FALSE with ERROR_IO_PENDING (997) means that a packet will come. nNumberOfBytesToWrite 0 stands for the whole file,
 * and it is at most 2^31 - 2. nNumberOfBytesPerSend 0 leaves the size of each send to the system.
 */
export type TransmitFile = (
  hSocket: number,
  hFile: number,
  nNumberOfBytesToWrite: number,
  nNumberOfBytesPerSend: number,
  lpOverlapped: number,
  lpTransmitBuffers: number,
  dwReserved: number,
) => number;

/** The functions behind the pointers that SIO_GET_EXTENSION_FUNCTION_POINTER gives. */
export interface MswsockPointers {
  AcceptEx(pointer: number): AcceptEx;
  ConnectEx(pointer: number): ConnectEx;
  DisconnectEx(pointer: number): DisconnectEx;
  GetAcceptExSockaddrs(pointer: number): GetAcceptExSockaddrs;
  TransmitFile(pointer: number): TransmitFile;
}

/** GUIDs by which the functions are asked for, from mswsock.h. */
export const WSAID = {
  AcceptEx: 'b5367df1-cbac-11cf-95ca-00805f48a192',
  ConnectEx: '25a207b9-ddf3-4660-8ee9-76e58c74063e',
  DisconnectEx: '7fda2e11-8630-436f-a031-f536a6eec157',
  GetAcceptExSockaddrs: 'b5367df2-cbac-11cf-95ca-00805f48a192',
  TransmitFile: 'b5367df0-cbac-11cf-95ca-00805f48a192',
} as const;

/** Argument types of each function, in order. */
const ARGUMENTS = {
  AcceptEx: ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uint32_t', 'uint32_t', 'uint32_t', 'uintptr_t', 'uintptr_t'],
  ConnectEx: ['uintptr_t', 'uintptr_t', 'int', 'uintptr_t', 'uint32_t', 'uintptr_t', 'uintptr_t'],
  DisconnectEx: ['uintptr_t', 'uintptr_t', 'uint32_t', 'uint32_t'],
  GetAcceptExSockaddrs: [
    ...['uintptr_t', 'uint32_t', 'uint32_t', 'uint32_t'],
    ...['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t'],
  ],
  TransmitFile: ['uintptr_t', 'intptr_t', 'uint32_t', 'uint32_t', 'uintptr_t', 'uintptr_t', 'uint32_t'],
};

/** Makes pointers callable. The prototypes have no names: koffi refuses a name the second time the tables are loaded. */
export function bindMswsock(koffi: KoffiModule): MswsockPointers {
  const acceptEx = koffi.proto('__stdcall', null, 'int', ARGUMENTS.AcceptEx);
  const connectEx = koffi.proto('__stdcall', null, 'int', ARGUMENTS.ConnectEx);
  const disconnectEx = koffi.proto('__stdcall', null, 'int', ARGUMENTS.DisconnectEx);
  const getAcceptExSockaddrs = koffi.proto('__stdcall', null, 'void', ARGUMENTS.GetAcceptExSockaddrs);
  const transmitFile = koffi.proto('__stdcall', null, 'int', ARGUMENTS.TransmitFile);
  return {
    AcceptEx: (pointer) => koffi.decode(BigInt(pointer), acceptEx) as AcceptEx,
    ConnectEx: (pointer) => koffi.decode(BigInt(pointer), connectEx) as ConnectEx,
    DisconnectEx: (pointer) => koffi.decode(BigInt(pointer), disconnectEx) as DisconnectEx,
    GetAcceptExSockaddrs: (pointer) => koffi.decode(BigInt(pointer), getAcceptExSockaddrs) as GetAcceptExSockaddrs,
    TransmitFile: (pointer) => koffi.decode(BigInt(pointer), transmitFile) as TransmitFile,
  };
}
