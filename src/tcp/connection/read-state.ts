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

/** What is true of a receiving side or not, one bit each, as in SocketRecord. */
const Flag = { Reclaiming: 1, Ended: 2, PeerEnded: 4, ReceivedSince: 8, Unanswered: 16 } as const;

/** The queue of the reads that wait, and what they wait for. */
export class ReadState extends LinkedQueue<ReadRequest> {
  operation: Operation | null = null;
  /** Block class that the next receive asks for, or IDLE; follows what the peer sends. */
  blockClass = IDLE;
  /** Bytes received for a buffer that had gone: the next read's. */
  unread: UnreadBytes | null = null;
  #flags = 0;

  /** The receive was cancelled to take its block back, and is to be posted again. */
  get reclaiming(): boolean {
    return (this.#flags & Flag.Reclaiming) !== 0;
  }

  /** shutdown('receive'): reads get 0 bytes. */
  get ended(): boolean {
    return (this.#flags & Flag.Ended) !== 0;
  }

  /** The end of the peer's stream was read. */
  get peerEnded(): boolean {
    return (this.#flags & Flag.PeerEnded) !== 0;
  }

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

  /** A receive into a block is posted. */
  takesBlock(): void {
    this.#flags |= Flag.ReceivedSince;
  }

  /** Whether no receive with a block was posted since this was asked before, by the last sweep for idle connections. */
  isIdle(): boolean {
    const idle = (this.#flags & Flag.ReceivedSince) === 0;
    this.#flags &= ~Flag.ReceivedSince;
    return idle;
  }

  reclaim(): void {
    this.#flags |= Flag.Reclaiming;
  }

  /** The receive has come back, with so many bytes. Returns whether it had been reclaimed. */
  cameBack(bytes: number): boolean {
    const flags = this.#flags;
    this.#flags = (flags & ~Flag.Reclaiming) | (bytes > 0 ? Flag.Unanswered : 0);
    return (flags & Flag.Reclaiming) !== 0;
  }

  /** The peer has said something. */
  heard(): void {
    this.#flags |= Flag.Unanswered;
  }

  /** Something is sent. Returns whether the peer has said something since the last time. */
  answers(): boolean {
    const flags = this.#flags;
    this.#flags = flags & ~Flag.Unanswered;
    return (flags & Flag.Unanswered) !== 0;
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
    this.#flags |= Flag.Ended;
  }

  peerEnds(): void {
    this.#flags |= Flag.PeerEnded;
  }
}
