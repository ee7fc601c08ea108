/** The receiving side of a connection. Whatever changes it goes through the methods here; reader.ts says what happens when. */
import type { Block } from '../../memory/block-pool.ts';
import type { Operation } from '../../memory/operation.ts';
import { LinkedQueue } from '../../util/linked-queue.ts';
import type { ReadRequest } from './requests.ts';

/** The block class of a connection that waits without a buffer. */
export const IDLE = -1;

/** Received bytes that nobody has got yet: block.bytes from start to end. */
export interface UnreadBytes {
  readonly block: Block;
  start: number;
  readonly end: number;
}

export class ReadState {
  readonly queue = new LinkedQueue<ReadRequest>();
  operation: Operation | null = null;
  /** Block class that the next receive asks for, or IDLE; follows what the peer sends. */
  blockClass = IDLE;
  /** The receive was cancelled to take its block back, and is to be posted again. */
  reclaiming = false;
  /** Bytes received for a buffer that had gone: the next read's. */
  unread: UnreadBytes | null = null;
  /** shutdown('receive'): reads get 0 bytes. */
  ended = false;
  /** The end of the peer's stream was read. */
  peerEnded = false;
  /** A receive into a block was posted since the last sweep for idle connections. */
  #receivedSince = false;

  begin(operation: Operation): void {
    this.operation = operation;
  }

  finish(): void {
    this.operation = null;
  }

  /** The next receive is to have a block of this class, or none. */
  useClass(blockClass: number): void {
    this.blockClass = blockClass;
  }

  takesBlock(): void {
    this.#receivedSince = true;
  }

  /** Whether no receive with a block was posted since this was asked before. */
  isIdle(): boolean {
    const idle = !this.#receivedSince;
    this.#receivedSince = false;
    return idle;
  }

  reclaim(): void {
    this.reclaiming = true;
  }

  /** The receive has come back. Returns whether that had been done. */
  wasReclaimed(): boolean {
    const { reclaiming } = this;
    this.reclaiming = false;
    return reclaiming;
  }

  keep(block: Block, bytes: number): void {
    this.unread = { block, start: 0, end: bytes };
  }

  /** All of them are taken. Returns their block. */
  dropUnread(): Block | null {
    const block = this.unread?.block ?? null;
    this.unread = null;
    return block;
  }

  /** Nothing is received any more: the end of the stream, as far as this side goes. */
  end(): void {
    this.ended = true;
  }

  peerEnds(): void {
    this.peerEnded = true;
  }
}
