/** What the library counts as it goes. Plain numbers in objects of fixed shape: counting must cost nothing. */

/**
 * Win32 calls by name, but for those that only ask for the last error, take and give memory or close a handle, and those
 * that end a waiting thread (SetEvent, a WAKE packet): these are made when nobody can ask for counters any more.
 */
class CallCounters {
  AcceptEx = 0;
  CancelIoEx = 0;
  ConnectEx = 0;
  CreateEventW = 0;
  CreateIoCompletionPort = 0;
  DisconnectEx = 0;
  GetAcceptExSockaddrs = 0;
  GetQueuedCompletionStatusEx = 0;
  PostQueuedCompletionStatus = 0;
  SetFileCompletionNotificationModes = 0;
  SetHandleInformation = 0;
  TransmitFile = 0;
  WSADuplicateSocketW = 0;
  WSAIoctl = 0;
  WSARecv = 0;
  WSARecvFrom = 0;
  WSAPoll = 0;
  WSASend = 0;
  WSASendTo = 0;
  WSASocketW = 0;
  WSAStartup = 0;
  WaitForSingleObject = 0;
  accept = 0;
  bind = 0;
  closesocket = 0;
  connect = 0;
  getpeername = 0;
  getsockname = 0;
  getsockopt = 0;
  ioctlsocket = 0;
  listen = 0;
  setsockopt = 0;
  shutdown = 0;
}

export class Counters {
  readonly syscalls = new CallCounters();
  packets = 0;
  batches = 0;
  largestBatch = 0;
  batchHighWater = 0;
  readyHighWater = 0;
  wakeUps = 0;
  inlineCompletions = 0;
  sendsDeferred = 0;
  droppedPackets = 0;
  bytesReceived = 0;
  bytesSent = 0;
  datagramsReceived = 0;
  datagramsSent = 0;
  datagramsTruncated = 0;
  datagramsDropped = 0;
  unreachableReports = 0;
  accepted = 0;
  refused = 0;
  reused = 0;
  connected = 0;
  acceptErrors = 0;
  remoteRecords = 0;
  remoteWakes = 0;
}
