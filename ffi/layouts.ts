/**
 * Struct layouts as byte offsets, for 64-bit Windows (x64 and arm64 agree). Little-endian throughout.
 *
 * They are not trusted: test/ffi/layouts.test.ts compares every number here with the layout that koffi computes from
 * the C declaration in `C_DECLARATIONS`, which is Microsoft's own, field by field.
 */

/** OVERLAPPED, minwinbase.h. */
export const OVERLAPPED = { Internal: 0, InternalHigh: 8, Offset: 16, OffsetHigh: 20, hEvent: 24, size: 32 } as const;

/** OVERLAPPED_ENTRY, minwinbase.h: what GetQueuedCompletionStatusEx writes. */
export const OVERLAPPED_ENTRY = {
  lpCompletionKey: 0,
  lpOverlapped: 8,
  Internal: 16,
  dwNumberOfBytesTransferred: 24,
  size: 32,
} as const;

/** WSABUF, ws2def.h. */
export const WSABUF = { len: 0, buf: 8, size: 16 } as const;

/** sockaddr_in, ws2def.h. Port and address are in network byte order. */
export const sockaddr_in = { sin_family: 0, sin_port: 2, sin_addr: 4, sin_zero: 8, size: 16 } as const;

/** sockaddr_in6, ws2ipdef.h. sin6_scope_id is in host byte order. */
export const sockaddr_in6 = {
  sin6_family: 0,
  sin6_port: 2,
  sin6_flowinfo: 4,
  sin6_addr: 8,
  sin6_scope_id: 24,
  size: 28,
} as const;

/** IP_MREQ, ws2ipdef.h: what IP_ADD_MEMBERSHIP takes. Addresses are in network byte order. */
export const ip_mreq = { imr_multiaddr: 0, imr_interface: 4, size: 8 } as const;

/** IP_MREQ_SOURCE, ws2ipdef.h: what IP_ADD_SOURCE_MEMBERSHIP takes, in Windows' order of members. */
export const ip_mreq_source = { imr_multiaddr: 0, imr_sourceaddr: 4, imr_interface: 8, size: 12 } as const;

/** IPV6_MREQ, ws2ipdef.h: what IPV6_ADD_MEMBERSHIP takes. The interface is an index in host byte order, 0 for any. */
export const ipv6_mreq = { ipv6mr_multiaddr: 0, ipv6mr_interface: 16, size: 20 } as const;

/** WSAPOLLFD, winsock2.h. */
export const WSAPOLLFD = { fd: 0, events: 8, revents: 10, size: 16 } as const;

/** GUID, guiddef.h. */
export const GUID = { Data1: 0, Data2: 4, Data3: 6, Data4: 8, size: 16 } as const;

/** TRANSMIT_FILE_BUFFERS, mswsock.h: what TransmitFile sends before and after the file. */
export const TRANSMIT_FILE_BUFFERS = { Head: 0, HeadLength: 8, Tail: 16, TailLength: 24, size: 32 } as const;

/** LINGER, winsock.h. */
export const LINGER = { l_onoff: 0, l_linger: 2, size: 4 } as const;

/** TCP_INITIAL_RTO_PARAMETERS, mstcpip.h: what SIO_TCP_INITIAL_RTO takes. */
export const TCP_INITIAL_RTO_PARAMETERS = { Rtt: 0, MaxSynRetransmissions: 2, size: 4 } as const;

/** WSAPROTOCOL_INFOW, winsock2.h: what SO_PROTOCOL_INFOW gives, and what a duplicate is made of. */
export const WSAPROTOCOL_INFOW = {
  dwServiceFlags1: 0,
  dwServiceFlags2: 4,
  dwServiceFlags3: 8,
  dwServiceFlags4: 12,
  dwProviderFlags: 16,
  ProviderId: 20,
  dwCatalogEntryId: 36,
  /** ProtocolChain.ChainLen: 0 a layered protocol by itself, 1 a base provider, more a chain of layers over one. */
  ChainLen: 40,
  /** ProtocolChain.ChainEntries. */
  ChainEntries: 44,
  iVersion: 72,
  iAddressFamily: 76,
  iMaxSockAddr: 80,
  iMinSockAddr: 84,
  iSocketType: 88,
  iProtocol: 92,
  iProtocolMaxOffset: 96,
  iNetworkByteOrder: 100,
  iSecurityScheme: 104,
  dwMessageSize: 108,
  dwProviderReserved: 112,
  szProtocol: 116,
  size: 628,
} as const;

/** The C declarations that the offsets above stand for: type and name of each member, in order. */
export const C_DECLARATIONS = {
  OVERLAPPED: {
    Internal: 'uintptr_t',
    InternalHigh: 'uintptr_t',
    Offset: 'uint32_t',
    OffsetHigh: 'uint32_t',
    hEvent: 'uintptr_t',
  },
  OVERLAPPED_ENTRY: {
    lpCompletionKey: 'uintptr_t',
    lpOverlapped: 'uintptr_t',
    Internal: 'uintptr_t',
    dwNumberOfBytesTransferred: 'uint32_t',
  },
  WSABUF: { len: 'uint32_t', buf: 'uintptr_t' },
  sockaddr_in: { sin_family: 'uint16_t', sin_port: 'uint16_t', sin_addr: 'uint32_t', sin_zero: 'uint8_t[8]' },
  sockaddr_in6: {
    sin6_family: 'uint16_t',
    sin6_port: 'uint16_t',
    sin6_flowinfo: 'uint32_t',
    sin6_addr: 'uint8_t[16]',
    sin6_scope_id: 'uint32_t',
  },
  ip_mreq: { imr_multiaddr: 'uint32_t', imr_interface: 'uint32_t' },
  ip_mreq_source: { imr_multiaddr: 'uint32_t', imr_sourceaddr: 'uint32_t', imr_interface: 'uint32_t' },
  ipv6_mreq: { ipv6mr_multiaddr: 'uint8_t[16]', ipv6mr_interface: 'uint32_t' },
  GUID: { Data1: 'uint32_t', Data2: 'uint16_t', Data3: 'uint16_t', Data4: 'uint8_t[8]' },
  WSAPOLLFD: { fd: 'uintptr_t', events: 'int16_t', revents: 'int16_t' },
  TRANSMIT_FILE_BUFFERS: { Head: 'uintptr_t', HeadLength: 'uint32_t', Tail: 'uintptr_t', TailLength: 'uint32_t' },
  LINGER: { l_onoff: 'uint16_t', l_linger: 'uint16_t' },
  TCP_INITIAL_RTO_PARAMETERS: { Rtt: 'uint16_t', MaxSynRetransmissions: 'uint8_t' },
  WSAPROTOCOL_INFOW: {
    dwServiceFlags1: 'uint32_t',
    dwServiceFlags2: 'uint32_t',
    dwServiceFlags3: 'uint32_t',
    dwServiceFlags4: 'uint32_t',
    dwProviderFlags: 'uint32_t',
    ProviderId: 'uint8_t[16]',
    dwCatalogEntryId: 'uint32_t',
    ChainLen: 'int32_t',
    ChainEntries: 'uint32_t[7]',
    iVersion: 'int32_t',
    iAddressFamily: 'int32_t',
    iMaxSockAddr: 'int32_t',
    iMinSockAddr: 'int32_t',
    iSocketType: 'int32_t',
    iProtocol: 'int32_t',
    iProtocolMaxOffset: 'int32_t',
    iNetworkByteOrder: 'int32_t',
    iSecurityScheme: 'int32_t',
    dwMessageSize: 'uint32_t',
    dwProviderReserved: 'uint32_t',
    szProtocol: 'char16_t[256]',
  },
} as const;

/** Bytes that WSAStartup may write: WSADATA on 64-bit Windows is 408. */
export const WSADATA_SIZE = 408;

/** AcceptEx wants 16 bytes beyond the largest address, for each of the two addresses (mswsock.h). */
export const ACCEPTEX_ADDRESS_SLACK = 16;
