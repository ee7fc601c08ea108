/**
 * Struct layouts as byte offsets, for 64-bit Windows (x64 and arm64 agree). Little-endian throughout.
 *
 * They are not trusted: test/ffi/layouts.test.ts compares every number here with the layout that koffi computes from
 * the C declaration, which is Microsoft's own, field by field.
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

/** Bytes that WSAStartup may write: WSADATA on 64-bit Windows is 408. */
export const WSADATA_SIZE = 408;

/** AcceptEx wants 16 bytes beyond the largest address, for each of the two addresses (mswsock.h). */
export const ACCEPTEX_ADDRESS_SLACK = 16;
