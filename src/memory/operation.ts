/**
 * An operation: what the kernel writes into while an AcceptEx, ConnectEx, DisconnectEx, WSARecv, WSASend, TransmitFile,
 * WSARecvFrom or WSASendTo is under way, and what we remember about it meanwhile.
 *
 * Life of an operation
 *
 *   Free ──take──► Prepared ──the call──► Submitted ──CancelIoEx──► Cancelling
 *    ▲                │                       │                         │
 *    │                │ failed at once        │ packet                  │ packet
 *    └────release─────┴──────── Completed ◄───┴─────────────────────────┘
 *
 * From Submitted on, the OVERLAPPED, the WSABUFs and the data buffer belong to the kernel. Two things give them back:
 * the packet, dequeued; or the call's own answer that it failed at once (any error but ERROR_IO_PENDING) or, on a socket
 * that skips packets on success, that it succeeded at once. CancelIoEx and closesocket give nothing back: they only make
 * the packet come sooner.
 *
 * An operation is Submitted *before* the call. A packet may be dequeued by the waiter thread before the call has
 * returned; since dispatch is a later turn of this thread, it always finds the operation complete.
 */
import type { Block } from './block-pool.ts';

export const OperationKind = {
  None: 0,
  Receive: 1,
  Send: 2,
  Accept: 3,
  Connect: 4,
  ZeroByteReceive: 5,
  ReceiveFrom: 6,
  SendTo: 7,
  Disconnect: 8,
} as const;
export type OperationKind = (typeof OperationKind)[keyof typeof OperationKind];

/** Where an operation is in its life. */
export const OperationState = { Free: 0, Prepared: 1, Submitted: 2, Cancelling: 3, Completed: 4 } as const;
export type OperationState = (typeof OperationState)[keyof typeof OperationState];

/** Bytes of a slot, which is the memory of one operation: two cache lines, so that no two operations share one. */
export const SLOT_SIZE = 128;
/** The same in 32-bit words. */
const SLOT_WORDS = SLOT_SIZE / 4;
/** WSABUFs that a slot has room for. */
export const MAX_SEGMENTS = 4;

/** Offsets in a slot, bytes. OVERLAPPED comes first, so that its address is the slot's. */
export const SLOT = { OVERLAPPED: 0, WSABUFS: 32, FLAGS: 96, BYTES: 100, GENERATION: 104 } as const;
/**
 * A datagram lies in one WSABUF, so the room of the others holds the peer's sockaddr_in or sockaddr_in6 (28 bytes), and
 * its length, which WSARecvFrom writes.
 */
export const DATAGRAM_SLOT = { ADDRESS: 48, ADDRESS_LENGTH: 76 } as const;

/** What an operation belongs to: a socket. */
export interface OperationOwner {
  /** Our name for it. */
  readonly handle: number;
  /** The SOCKET. */
  readonly socket: number;
  /** The completion key that its packets must carry, in two halves. */
  readonly keyLow: number;
  readonly keyHigh: number;
  /** Its operations that the kernel, or the queue of finished ones, still has. Only the OperationTable writes it. */
  inFlight: number;
}

/** A datagram that is being sent. */
export interface OutgoingDatagram {
  /** Where it goes: a sockaddr and its length in bytes. Null for the peer that the socket is connected to. */
  destination: { readonly words: Uint32Array; readonly length: number } | null;
}

export class Operation {
  /** Address of the slot, so of its OVERLAPPED. */
  readonly address: number;
  /** First 32-bit word of the slot in the slab. */
  readonly word: number;
  kind: OperationKind = OperationKind.None;
  state: OperationState = OperationState.Free;
  /** Counts the uses of the slot; also written into it, where a packet must find the same number. */
  generation = 0;
  /** The socket whose completion key the packet must carry. */
  owner: OperationOwner | null = null;
  /** Pinned memory lent to the kernel for this operation. */
  block: Block | null = null;
  /**
   * Buffers of the user's lent in place: kept reachable while the kernel has them. (Those of a WSASend are kept by their
   * requests, until these are dropped; here is one of them, which shows that there are some.)
   */
  lent: Uint8Array | readonly Uint8Array[] | null = null;
  /** Bytes asked for. */
  requested = 0;
  /** Bytes transferred, once Completed. */
  bytes = 0;
  /** Winsock error code, 0 for success, once Completed. */
  error = 0;
  /** The Win32 call was made: until it is known to have failed at once, only a packet ends it. */
  handedOver = false;
  /** What threw before the call could be made, or null. */
  thrown: unknown = null;
  /** The call that was made, for error messages. */
  syscall = '';
  /** AcceptEx only: the socket that the connection will be on, or INVALID_SOCKET. */
  acceptSocket = -1;
  /** WSARecvFrom only: it has come back, and waits for those that were posted before it. */
  held = false;
  /** WSASendTo only: what it sends. */
  datagram: OutgoingDatagram | null = null;

  constructor(index: number, address: number) {
    this.address = address;
    this.word = index * SLOT_WORDS;
  }

  /** The call is about to be made. @param syscall its name */
  submit(syscall: string): void {
    this.syscall = syscall;
    this.state = OperationState.Submitted;
  }

  /** Its place among the slots, for messages. */
  get index(): number {
    return this.word / SLOT_WORDS;
  }

  /** True while the kernel may write into the slot. */
  get isInKernel(): boolean {
    return this.state === OperationState.Submitted || this.state === OperationState.Cancelling;
  }
}
