/** What stats() reports. Counters count from initialize() on; the rest is the state at the call. */

/** A snapshot. Sizes are bytes. */
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
  /** Operations that the kernel holds, by kind. */
  operations: { receive: number; send: number; accept: number; connect: number };
  /** Operation slots that are free, and all of them. */
  freeSlots: number;
  slots: number;
  /** Callbacks that somebody still waits for: reads, writes, accepts, connects and closes. */
  pendingCallbacks: number;
  /** Files opened by asyncSendFile and not closed yet. */
  openFiles: number;
  /** Completion packets taken off the port, in how many batches, and the largest batch. */
  packets: number;
  batches: number;
  largestBatch: number;
  /** Times the poller thread rang for the main thread. */
  doorbells: number;
  /** Operations that finished inside their own call, with no packet (skipCompletionPortOnSuccess, or a failure at once). */
  inlineCompletions: number;
  /** Packets whose slot or generation did not match and that were dropped. Not 0 means a bug or a foreign packet. */
  droppedPackets: number;
  bytesReceived: number;
  bytesSent: number;
  /** Datagrams that came in, and that the kernel took for sending. bytesReceived and bytesSent count theirs too. */
  datagramsReceived: number;
  datagramsSent: number;
  /** Datagrams that were handed out without their end, because it did not fit. */
  datagramsTruncated: number;
  /** Datagrams that came when nobody was asking and the queue for them was full (maxQueuedReceiveBytes). */
  datagramsDropped: number;
  /** ICMP "unreachable" and the like that the system told to UDP sockets, whether they were passed on or not. */
  unreachableReports: number;
  /** Bytes accepted by asyncWrite and asyncSendTo and not yet taken by the kernel. */
  queuedBytes: number;
  /** Native memory lent to operations and allocateBuffer at this moment. */
  pinnedBytes: number;
  /** Native memory taken from the system, lent or not. */
  reservedBytes: number;
  /** Connections that a server's limits had closed at once; they are not among the accepted ones. */
  refused: number;
  /** Connections accepted and established, and AcceptEx attempts that failed and were posted again. */
  accepted: number;
  connected: number;
  acceptErrors: number;
  /** Submissions of other threads carried out, and how often they had to wake the loop for them. */
  remoteRecords: number;
  remoteWakes: number;
  /** Win32 calls by name. */
  calls: Record<string, number>;
}
