/** One TCP connection: its state and its queues. reader.ts, writer.ts, connector.ts and closer.ts act on it. */
import type { ConnectCallback } from '../pal/network-pal.ts';
import type { Endpoint } from '../pal/handles.ts';
import type { Operation } from './operation.ts';
import type { ReadRequest, WriteRequest } from './requests.ts';
import { SocketRecord } from './socket-record.ts';
import type { TimerHandle } from './kernel.ts';

export class Connection extends SocketRecord {
  /** False until ConnectEx has succeeded. */
  connected = false;
  /** Packets are skipped when a call succeeds at once; true only when the system said so for this socket. */
  skipsPackets = false;
  peer: Endpoint | null = null;

  connectOperation: Operation | null = null;
  connectCallback: ConnectCallback | null = null;
  connectTimer: TimerHandle | null = null;

  firstRead: ReadRequest | null = null;
  lastRead: ReadRequest | null = null;
  receiveOperation: Operation | null = null;
  /** Block class that the next receive asks for; follows what the peer sends. */
  receiveClass = 0;
  /** shutdown('receive'): reads get 0 bytes. */
  receiveEnded = false;

  firstWrite: WriteRequest | null = null;
  lastWrite: WriteRequest | null = null;
  sendOperation: Operation | null = null;
  queuedBytes = 0;
  /** shutdown('send') was called: no more writes, FIN once the queue is empty. */
  sendEnded = false;
  /** The FIN was handed to the kernel. */
  finSent = false;
  /** Sends in a row that completed with success and not one byte. */
  emptySends = 0;

  /** Close with RST, and drop what is queued. */
  resetting = false;

  override *operations(): Iterable<Operation> {
    if (this.connectOperation !== null) yield this.connectOperation;
    if (this.receiveOperation !== null) yield this.receiveOperation;
    if (this.sendOperation !== null) yield this.sendOperation;
  }
}
