/** What stats() reports. Counters count from initialize() on; the rest is the state at the call. */

/** A snapshot. It does not change afterwards. */
export interface NetworkStats {
  /**
   * Open sockets, listening ones included; a socket counts until its close callback. Each attempt of a connection by name is
   * one more while it lasts.
   */
  sockets: number;
  /** Listening sockets among them. */
  servers: number;
  /** UDP sockets among them. */
  udpSockets: number;
  /** Operations that the kernel, or the queue of finished ones, holds, by kind. A DisconnectEx (reuseSockets) is in none. */
  operations: OperationCounts;
  /** Operation slots that are free, out of `slots`. */
  freeSlots: number;
  /** Operation slots in all: `maxOperations`. */
  slots: number;
  /** Callbacks that somebody still waits for: reads, writes, files, datagrams, accepts, connects, watches and closes. */
  pendingCallbacks: number;
  /** The number of files opened by asyncSendFile and not closed yet. */
  openFiles: number;
  /** Completion packets taken off the port; with the wsapoll backend, sockets that were ready. */
  packets: number;
  /** Batches that these came in; packets / batches says how well the port is used. */
  batches: number;
  /** Packets of the largest batch; 128 at most on a port. */
  largestBatch: number;
  /** Most packets that the waiter has found in one wait. A batch of a port holds 128. */
  batchHighWater: number;
  /** Most outcomes and callbacks without a packet of their own that have waited for their turn at a time. */
  readyHighWater: number;
  /** Times the waiter woke the event loop: the waiter thread sent a wake-up, or a wait on this thread ended with something. */
  wakeUps: number;
  /** Operations that finished inside their own call, with no packet (skipCompletionPortOnSuccess, or a failure at once). */
  inlineCompletions: number;
  /** Sends that had to wait for their turn, since one callback had sent on 64 other connections (docs/limits.md#fairness). */
  sendsDeferred: number;
  /** Packets whose slot or generation did not match and that were dropped. Not 0 means a bug or a foreign packet. */
  droppedPackets: number;
  /** Bytes received on all sockets. */
  bytesReceived: number;
  /** Bytes that the kernel has taken for sending, on all sockets. */
  bytesSent: number;
  /** The number of datagrams that came in; bytesReceived counts theirs too. */
  datagramsReceived: number;
  /** The number of datagrams that the kernel took for sending; bytesSent counts theirs too. */
  datagramsSent: number;
  /** The number of datagrams that were handed out without their end, because it did not fit. */
  datagramsTruncated: number;
  /** The number of datagrams that came when nobody was asking and the queue for them was full (maxQueuedReceiveBytes). */
  datagramsDropped: number;
  /** How many ICMP "unreachable" and the like the system reported to UDP sockets, whether they were passed on or not. */
  unreachableReports: number;
  /** Bytes accepted by asyncWrite and asyncSendTo and not yet taken by the kernel. */
  queuedBytes: number;
  /**
   * Bytes that operations use at this moment, and those of allocateBuffer. (Small buffers are cut from arenas of up to 1 MiB, and
   * count until all of their arena are garbage.)
   */
  pinnedBytes: number;
  /** Bytes of native memory taken from the system, in use or not. */
  reservedBytes: number;
  /** Connections that a server's limits had closed at once, or its proxyProtocol; they are not among the accepted ones. */
  refused: number;
  /** Accepted connections whose socket had been another connection's before (reuseSockets). */
  reused: number;
  /** Connections accepted. */
  accepted: number;
  /** Connections established by asyncConnect. */
  connected: number;
  /** AcceptEx attempts that failed and were posted again. */
  acceptErrors: number;
  /** Submissions of other threads carried out. */
  remoteRecords: number;
  /** Times other threads had to wake the loop for them. */
  remoteWakes: number;
  /**
   * Win32 calls by name, those of the waiter thread included. Not counted: GetLastError and WSAGetLastError, which belong
   * to the call before them, VirtualAlloc and VirtualFree (see reservedBytes), and what ends the waiter and the port.
   */
  syscalls: Record<string, number>;
}

/** Numbers of operations, by kind. */
export interface OperationCounts {
  /** WSARecv and WSARecvFrom operations, the zero-byte ones of watches among them. */
  receive: number;
  /** WSASend, TransmitFile and WSASendTo operations. */
  send: number;
  /** AcceptEx operations. */
  accept: number;
  /** ConnectEx operations. */
  connect: number;
}
