/**
 * Where Windows and Wine 8.0 differ, as far as a backend can see it. 'windows' follows Microsoft's documentation and the
 * rows that Wine's own conformance tests mark todo_wine (they run on Windows too); 'wine' follows what was measured under
 * Wine 8.0 with the Windows node.exe. Code must be right on both.
 */
import {
  STATUS_CONNECTION_ABORTED,
  STATUS_CONNECTION_REFUSED,
  STATUS_CONNECTION_RESET,
  STATUS_HANDLES_CLOSED,
  STATUS_INVALID_CONNECTION,
  STATUS_PORT_UNREACHABLE,
} from '../../../ffi/ntstatus.ts';

/** Whose behaviour is simulated. */
export type ProfileName = 'windows' | 'wine';

/** The differences, one by one. */
export interface Profile {
  /** Whose it is. */
  readonly name: ProfileName;
  /** AcceptEx and TransmitFile may return TRUE. Wine: always FALSE with ERROR_IO_PENDING. */
  readonly extensionsMaySucceedAtOnce: boolean;
  /** shutdown, getpeername and getsockname fail until SO_UPDATE_ACCEPT_CONTEXT or SO_UPDATE_CONNECT_CONTEXT. */
  readonly needsContext: boolean;
  /** A RST that arrives while no WSARecv is pending looks like the end of the stream to the next WSARecv. */
  readonly resetLooksLikeEnd: boolean;
  /** A RST throws away what has arrived and was not read yet. */
  readonly resetDropsUnread: boolean;
  /** A FIN that arrives while a WSARecv is pending completes every pending WSASend with success, sent or not. */
  readonly endCompletesSends: boolean;
  /** TransmitFile operations that a process has under way at a time; the others wait for their turn. */
  readonly transmitsAtOnce: number;
  /** CancelIoEx passes by a WSASend or TransmitFile that the process is just carrying on with. */
  readonly cancelMissesSends: boolean;
  /** closesocket leaves a pending WSASend alone; it goes on with whatever socket has the number next. */
  readonly closeLeavesSends: boolean;
  /** closesocket with a WSARecv pending sends RST instead of FIN. */
  readonly closeWithReceiveResets: boolean;
  /** NTSTATUS code of a WSARecv that was pending at closesocket. */
  readonly closedReceiveStatus: number;
  /** NTSTATUS code of an AcceptEx whose connection was reset in the backlog. */
  readonly acceptedResetStatus: number;
  /** shutdown(SD_RECEIVE) with data unread or still coming resets the connection. */
  readonly shutReceiveResets: boolean;
  /** A full backlog refuses; otherwise the SYN is dropped and repeated. */
  readonly refusesWhenFull: boolean;
  /** DisconnectEx(TF_REUSE_SOCKET) leaves the sending side shut, for the next connection too. */
  readonly disconnectLeavesShut: boolean;
  /**
   * Milliseconds for which a connection rests in TIME_WAIT on the side that has ended it first, and a DisconnectEx on that side
   * with it (TcpTimedWaitDelay).
   */
  readonly timeWaitMs: number;
  /** Milliseconds for which a refused SYN is repeated before the connect fails, without SIO_TCP_INITIAL_RTO. */
  readonly refusedAfterMs: number;
  /** SIO_TCP_INITIAL_RTO is known. */
  readonly knowsInitialRto: boolean;
  /** TCP_KEEPIDLE and its kin are known. */
  readonly knowsKeepAliveTimes: boolean;
  /** One WSASend is taken whole while the send buffer is not full yet; otherwise only what fits. */
  readonly sendsAreTakenWhole: boolean;
  /** A WSARecvFrom that finds a datagram longer than its buffer says WSAEMSGSIZE; otherwise ERROR_IO_PENDING. */
  readonly truncationFailsCall: boolean;
  /** Status of a WSARecvFrom after an ICMP port unreachable. */
  readonly unreachableStatus: number;
  /** Only connected UDP sockets hear of it; otherwise all that SIO_UDP_CONNRESET has not made deaf. */
  readonly unreachableNeedsPeer: boolean;
  /** A WSASendTo fails with a report that no WSARecvFrom was told. */
  readonly unreachableFailsSend: boolean;
  /** SIO_UDP_NETRESET is known. */
  readonly knowsNetReset: boolean;
  /** IP_MULTICAST_LOOP counts on the socket that receives; otherwise on the one that sends. */
  readonly receiverDecidesLoop: boolean;
  /** IP_MULTICAST_IF that was set by an address reads back as the interface's index. */
  readonly multicastInterfaceReadsAsIndex: boolean;
  /** SO_REUSEADDR on a bound socket is WSAEINVAL. */
  readonly reuseIsBeforeBind: boolean;
  /** SO_REUSE_UNICASTPORT is known. */
  readonly knowsPortSharing: boolean;
  /** CancelIoEx of one operation may cancel others of the same socket, as dotnet/corefx#32981 tells of Windows. */
  readonly cancelMayHitOthers: boolean;
  /** A WSASend that is cancelled may break its connection, of which nothing can be relied on any more. */
  readonly cancelledSendMayBreak: boolean;
  /** What GetQueuedCompletionStatusEx leaves in *ulNumEntriesRemoved when it times out. */
  readonly countOnTimeout: number;
  /** A port gives packets to no more threads at a time than its concurrency value says. Wine ignores it. */
  readonly limitsConcurrency: boolean;
  /** Bytes that SO_SNDBUF stands for by default. */
  readonly sendBufferSize: number;
  /** Bytes that SO_RCVBUF stands for by default. */
  readonly receiveBufferSize: number;
}

/** The two profiles by name. */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  windows: {
    name: 'windows',
    extensionsMaySucceedAtOnce: true,
    needsContext: true,
    resetLooksLikeEnd: false,
    resetDropsUnread: true,
    endCompletesSends: false,
    transmitsAtOnce: 2,
    cancelMissesSends: false,
    closeLeavesSends: false,
    closeWithReceiveResets: true,
    closedReceiveStatus: STATUS_CONNECTION_ABORTED,
    acceptedResetStatus: STATUS_CONNECTION_RESET,
    shutReceiveResets: true,
    refusesWhenFull: true,
    disconnectLeavesShut: false,
    timeWaitMs: 120_000,
    refusedAfterMs: 2000,
    knowsInitialRto: true,
    knowsKeepAliveTimes: true,
    sendsAreTakenWhole: true,
    truncationFailsCall: false,
    unreachableStatus: STATUS_PORT_UNREACHABLE,
    unreachableNeedsPeer: false,
    unreachableFailsSend: false,
    knowsNetReset: true,
    receiverDecidesLoop: true,
    multicastInterfaceReadsAsIndex: true,
    reuseIsBeforeBind: true,
    knowsPortSharing: true,
    cancelMayHitOthers: true,
    cancelledSendMayBreak: true,
    countOnTimeout: 0,
    limitsConcurrency: true,
    sendBufferSize: 65536,
    receiveBufferSize: 65536,
  },
  wine: {
    name: 'wine',
    extensionsMaySucceedAtOnce: false,
    needsContext: false,
    resetLooksLikeEnd: true,
    resetDropsUnread: false,
    endCompletesSends: true,
    transmitsAtOnce: Infinity,
    cancelMissesSends: true,
    closeLeavesSends: true,
    closeWithReceiveResets: false,
    closedReceiveStatus: STATUS_HANDLES_CLOSED,
    acceptedResetStatus: STATUS_INVALID_CONNECTION,
    shutReceiveResets: false,
    refusesWhenFull: false,
    disconnectLeavesShut: true,
    timeWaitMs: 0,
    refusedAfterMs: 0,
    knowsInitialRto: false,
    knowsKeepAliveTimes: false,
    sendsAreTakenWhole: false,
    truncationFailsCall: true,
    unreachableStatus: STATUS_CONNECTION_REFUSED,
    unreachableNeedsPeer: true,
    unreachableFailsSend: true,
    knowsNetReset: false,
    receiverDecidesLoop: false,
    multicastInterfaceReadsAsIndex: false,
    reuseIsBeforeBind: false,
    knowsPortSharing: false,
    cancelMayHitOthers: false,
    cancelledSendMayBreak: false,
    countOnTimeout: 1,
    limitsConcurrency: false,
    sendBufferSize: 2621440,
    receiveBufferSize: 131072,
  },
};
