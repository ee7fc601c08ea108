/**
 * Constants by their Win32 names, each group with the header that defines it.
 * Error codes are in wsa-errors.ts, statuses in ntstatus.ts.
 */

/** winsock2.h, ws2def.h. */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 23;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const INVALID_SOCKET = -1;
export const SOCKET_ERROR = -1;
export const SOMAXCONN = 0x7fffffff;
/** Bounds of n in SOMAXCONN_HINT(n), which is -n; also what a plain backlog is cut to (the listen page). */
export const SOMAXCONN_HINT_MIN = 200;
export const SOMAXCONN_HINT_MAX = 65535;

/** WSASocketW's family, type and protocol when lpProtocolInfo says them. */
export const FROM_PROTOCOL_INFO = -1;

/** WSASocketW flags. NO_HANDLE_INHERIT at creation: set later, it races with CreateProcess on another thread. */
export const WSA_FLAG_OVERLAPPED = 0x01;
export const WSA_FLAG_NO_HANDLE_INHERIT = 0x80;

/** ioctlsocket: non-blocking mode on or off (_IOW('f', 126, u_long), winsock2.h), as the signed long it is there. */
export const FIONBIO = 0x8004667e | 0;

/** WSAPOLLFD.events and .revents (winsock2.h). */
export const POLLERR = 0x0001;
export const POLLHUP = 0x0002;
export const POLLNVAL = 0x0004;
export const POLLWRNORM = 0x0010;
export const POLLRDNORM = 0x0100;

/** shutdown()'s `how`. */
export const SD_RECEIVE = 0;
export const SD_SEND = 1;

/** setsockopt levels and names (winsock2.h, mswsock.h, ws2ipdef.h). */
export const SOL_SOCKET = 0xffff;
export const SO_ACCEPTCONN = 0x0002;
export const SO_REUSEADDR = 0x0004;
export const SO_KEEPALIVE = 0x0008;
export const SO_BROADCAST = 0x0020;
export const SO_LINGER = 0x0080;
export const SO_EXCLUSIVEADDRUSE = ~SO_REUSEADDR;
export const SO_SNDBUF = 0x1001;
export const SO_RCVBUF = 0x1002;
export const SO_ERROR = 0x1007;
export const SO_PROTOCOL_INFOW = 0x2005;
export const SO_REUSE_UNICASTPORT = 0x3007;
export const SO_UPDATE_ACCEPT_CONTEXT = 0x700b;
export const SO_UPDATE_CONNECT_CONTEXT = 0x7010;
export const TCP_NODELAY = 0x0001;
export const TCP_KEEPIDLE = 0x0003;
export const TCP_KEEPCNT = 0x0010;
export const TCP_KEEPINTVL = 0x0011;
export const IPV6_V6ONLY = 27;

/** Names of level IPPROTO_IP and of level IPPROTO_IPV6 (ws2ipdef.h); IP_ADD_MEMBERSHIP and its kin take an ip_mreq. */
export const IP_TTL = 4;
export const IP_MULTICAST_IF = 9;
export const IP_MULTICAST_TTL = 10;
export const IP_MULTICAST_LOOP = 11;
export const IP_ADD_MEMBERSHIP = 12;
export const IP_DROP_MEMBERSHIP = 13;
export const IP_ADD_SOURCE_MEMBERSHIP = 15;
export const IP_DROP_SOURCE_MEMBERSHIP = 16;
export const IPV6_UNICAST_HOPS = 4;
export const IPV6_MULTICAST_IF = 9;
export const IPV6_MULTICAST_HOPS = 10;
export const IPV6_MULTICAST_LOOP = 11;
export const IPV6_ADD_MEMBERSHIP = 12;
export const IPV6_DROP_MEMBERSHIP = 13;

/** WSAPROTOCOL_INFO.dwServiceFlags1: the provider's sockets are real file handles (no layered provider in between). */
export const XP1_IFS_HANDLES = 0x00020000;

/** DisconnectEx: the socket is to be used again. */
export const TF_REUSE_SOCKET = 0x02;

/** WSAIoctl codes (ws2def.h, mstcpip.h, mswsock.h). */
export const SIO_GET_EXTENSION_FUNCTION_POINTER = 0xc8000006;
export const SIO_KEEPALIVE_VALS = 0x98000004;
export const SIO_TCP_INITIAL_RTO = 0x98000011;
/** BOOL: an ICMP port unreachable (time to live exceeded) makes a receive of the socket fail. Both TRUE by default. */
export const SIO_UDP_CONNRESET = 0x9800000c;
export const SIO_UDP_NETRESET = 0x9800000f;
/** TCP_INITIAL_RTO_PARAMETERS: leave the round trip time as it is, and send no second SYN (mstcpip.h). */
export const TCP_INITIAL_RTO_UNSPECIFIED_RTT = 0xffff;
export const TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS = 0xfe;

/** winbase.h, ioapiset.h. */
export const INVALID_HANDLE_VALUE = -1;
export const WAIT_OBJECT_0 = 0;
export const FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 1;
export const FILE_SKIP_SET_EVENT_ON_HANDLE = 2;

/** SetHandleInformation (handleapi.h). */
export const HANDLE_FLAG_INHERIT = 1;

/** memoryapi.h. */
export const MEM_COMMIT = 0x1000;
export const MEM_RESERVE = 0x2000;
export const MEM_RELEASE = 0x8000;
export const PAGE_READWRITE = 0x04;
