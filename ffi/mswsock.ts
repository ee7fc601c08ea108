/**
 * The Winsock extension functions. They are not linked but asked for, socket by socket, with
 * WSAIoctl(SIO_GET_EXTENSION_FUNCTION_POINTER): each service provider has its own, and the exports of mswsock.dll only
 * look them up anew on every call.
 *
 * Source: https://learn.microsoft.com/windows/win32/api/mswsock/
 */
import type { Functions } from './dll.ts';
import type { KoffiModule } from './koffi.ts';

const DECLARATIONS = {
  /** Returns BOOL; FALSE with ERROR_IO_PENDING (997) means that a packet will come on the listener's port. */
  AcceptEx:
    'int __stdcall AcceptEx(uintptr_t sListenSocket, uintptr_t sAcceptSocket, uintptr_t lpOutputBuffer, uint32_t dwReceiveDataLength, uint32_t dwLocalAddressLength, uint32_t dwRemoteAddressLength, uintptr_t lpdwBytesReceived, uintptr_t lpOverlapped)',
  /** Returns BOOL; the socket must be bound first. FALSE with 997 means that a packet will come. */
  ConnectEx:
    'int __stdcall ConnectEx(uintptr_t s, uintptr_t name, int namelen, uintptr_t lpSendBuffer, uint32_t dwSendDataLength, uintptr_t lpdwBytesSent, uintptr_t lpOverlapped)',
  /**
   * Returns BOOL; FALSE with 997 means that a packet will come. TF_REUSE_SOCKET: afterwards the socket can be given to
   * AcceptEx again. reserved: 0.
   */
  DisconnectEx:
    'int __stdcall DisconnectEx(uintptr_t s, uintptr_t lpOverlapped, uint32_t dwFlags, uint32_t dwReserved)',
  /** Finds the two addresses in AcceptEx's output buffer. All but the lengths are addresses of out-parameters. */
  GetAcceptExSockaddrs:
    'void __stdcall GetAcceptExSockaddrs(uintptr_t lpOutputBuffer, uint32_t dwReceiveDataLength, uint32_t dwLocalAddressLength, uint32_t dwRemoteAddressLength, uintptr_t LocalSockaddr, uintptr_t LocalSockaddrLength, uintptr_t RemoteSockaddr, uintptr_t RemoteSockaddrLength)',
  /**
   * Sends bytes of a file, from OVERLAPPED.Offset and OffsetHigh on, with what lpTransmitBuffers has around them. Returns
   * BOOL; FALSE with ERROR_IO_PENDING (997) means that a packet will come. nNumberOfBytesToWrite 0 stands for the whole file,
   * and it is at most 2^31 - 2. nNumberOfBytesPerSend 0 leaves the size of each send to the system.
   */
  TransmitFile:
    'int __stdcall TransmitFile(uintptr_t hSocket, intptr_t hFile, uint32_t nNumberOfBytesToWrite, uint32_t nNumberOfBytesPerSend, uintptr_t lpOverlapped, uintptr_t lpTransmitBuffers, uint32_t dwReserved)',
} as const;

/** The functions themselves. */
export type Mswsock = Functions<typeof DECLARATIONS>;

/** The functions behind the pointers that SIO_GET_EXTENSION_FUNCTION_POINTER gives. */
export type MswsockPointers = { [Name in keyof Mswsock]: (pointer: number) => Mswsock[Name] };

/** GUIDs by which the functions are asked for, from mswsock.h. */
export const WSAID = {
  AcceptEx: 'b5367df1-cbac-11cf-95ca-00805f48a192',
  ConnectEx: '25a207b9-ddf3-4660-8ee9-76e58c74063e',
  DisconnectEx: '7fda2e11-8630-436f-a031-f536a6eec157',
  GetAcceptExSockaddrs: 'b5367df2-cbac-11cf-95ca-00805f48a192',
  TransmitFile: 'b5367df0-cbac-11cf-95ca-00805f48a192',
} as const;

/** Makes pointers callable. The prototypes have no names: koffi refuses a name the second time the tables are loaded. */
export function bindMswsock(koffi: KoffiModule): MswsockPointers {
  const bind = <Name extends keyof Mswsock>(name: Name): ((pointer: number) => Mswsock[Name]) => {
    const [result = '', list = ''] = DECLARATIONS[name].split(/ __stdcall \w+\(|\)/);
    const types = list.split(', ').map((parameter) => parameter.split(' ')[0] ?? '');
    const prototype = koffi.proto('__stdcall', null, result, types);
    return (pointer) => koffi.decode(BigInt(pointer), prototype) as Mswsock[Name];
  };
  return {
    AcceptEx: bind('AcceptEx'),
    ConnectEx: bind('ConnectEx'),
    DisconnectEx: bind('DisconnectEx'),
    GetAcceptExSockaddrs: bind('GetAcceptExSockaddrs'),
    TransmitFile: bind('TransmitFile'),
  };
}
