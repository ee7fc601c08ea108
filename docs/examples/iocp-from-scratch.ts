/**
 * An echo server on a completion port and Win32 alone, to learn how it goes: nothing of iocp-pal but its declarations (ffi) and
 * its port (src/iocp/completion-port.ts). docs/completion-ports.md explains it with drawings.
 *
 * iocp-from-scratch.ts [port] — ends on Ctrl+C, or at the end of its input.
 */
import process from 'node:process';
import { checkSocket, checkWinsock } from '../../ffi/check.ts';
import * as win from '../../ffi/constants.ts';
import { ACCEPTEX_ADDRESS_SLACK, GUID, OVERLAPPED, OVERLAPPED_ENTRY, sockaddr_in, WSABUF } from '../../ffi/layouts.ts';
import type { NativeRegion } from '../../ffi/memory.ts';
import { WSAID } from '../../ffi/mswsock.ts';
import { ntStatusToWinsockError } from '../../ffi/ntstatus.ts';
import { loadWin32Tables } from '../../ffi/tables.ts';
import { ERROR_IO_PENDING } from '../../ffi/wsa-errors.ts';
import { CompletionPort } from '../../src/iocp/completion-port.ts';

/** Where things lie in an operation's memory. */
const [WSABUF_AT, FLAGS_AT, DATA_AT] = [OVERLAPPED.size, OVERLAPPED.size + WSABUF.size, 64];
const DATA_SIZE = 4096;
/** AcceptEx puts both addresses there, each with some room to spare. */
const ADDRESS_SIZE = sockaddr_in.size + ACCEPTEX_ADDRESS_SLACK;

const { kernel32, ws2_32, mswsock, memory } = loadWin32Tables();
const port = new CompletionPort(kernel32, memory, 1, 64);
const entries = new DataView(port.batch.buffer); // OVERLAPPED_ENTRY[64], which dequeue() fills
const connections = new Set<number>(); // their SOCKETs
const inKernel = new Map<number, Operation>(); // by the address of their OVERLAPPED
let stopping = false;

/** Memory from VirtualAlloc, which V8 neither moves nor frees. */
function allocate(size: number): NativeRegion {
  const region = memory.allocate(size);
  if (region === null) throw new Error('The system has no memory left');
  return region;
}

/** One operation at a time, and its memory. From start() until its packet is here, the memory is the kernel's. */
class Operation {
  readonly region = allocate(DATA_AT + DATA_SIZE);
  readonly address = this.region.address;
  readonly data = this.address + DATA_AT;
  readonly view = new DataView(this.region.buffer);
  done: (error: number, bytes: number) => void = () => undefined;

  /**
   * @param length of the data that its WSABUF names
   * @param call makes the Win32 call, and says whether it succeeded at once: then a packet comes nevertheless
   */
  start(length: number, call: () => boolean, done: (error: number, bytes: number) => void): void {
    new Uint8Array(this.region.buffer, 0, DATA_AT).fill(0);
    this.view.setBigUint64(WSABUF_AT + WSABUF.buf, BigInt(this.data), true);
    this.view.setUint32(WSABUF_AT + WSABUF.len, length, true);
    this.done = done;
    inKernel.set(this.address, this);
    if (call()) return;
    const error = ws2_32.WSAGetLastError();
    if (error === ERROR_IO_PENDING) return;
    inKernel.delete(this.address); // it failed at once: no packet will ever come
    done(error, 0);
  }

  /** The packet is here. Status and count are in the OVERLAPPED: Internal, an NTSTATUS, and InternalHigh. */
  finish(): void {
    inKernel.delete(this.address);
    const status = this.view.getUint32(OVERLAPPED.Internal, true);
    this.done(ntStatusToWinsockError(status), this.view.getUint32(OVERLAPPED.InternalHigh, true));
  }
}

const scratch = allocate(4096); // for calls that are over when they return
const view = new DataView(scratch.buffer);
checkWinsock(ws2_32.WSAStartup(0x0202, scratch.address), ws2_32, 'WSAStartup'); // version 2.2, low byte first

const openSocket = (): number =>
  checkSocket(ws2_32.WSASocketW(win.AF_INET, win.SOCK_STREAM, 0, 0, 0, win.WSA_FLAG_OVERLAPPED), ws2_32, 'WSASocketW');
const listener = openSocket();
port.associate(listener, 1); // the key: a number of our choice, which comes with each packet
view.setUint16(sockaddr_in.sin_family, win.AF_INET, true);
view.setUint16(sockaddr_in.sin_port, Number(process.argv[2] ?? 7007)); // network byte order
view.setUint32(sockaddr_in.sin_addr, 0x7f000001); // 127.0.0.1
checkWinsock(ws2_32.bind(listener, scratch.address, sockaddr_in.size), ws2_32, 'bind');
checkWinsock(ws2_32.listen(listener, win.SOMAXCONN), ws2_32, 'listen');
view.setInt32(64, sockaddr_in.size, true);
checkWinsock(ws2_32.getsockname(listener, scratch.address, scratch.address + 64), ws2_32, 'getsockname');
console.log(`echo server on 127.0.0.1:${view.getUint16(sockaddr_in.sin_port)}`);

/** AcceptEx is no export: each provider has its own, and says where. */
function findAcceptEx(): ReturnType<typeof mswsock.AcceptEx> {
  const guid = Buffer.from(WSAID.AcceptEx.replaceAll('-', ''), 'hex');
  guid.subarray(GUID.Data1, GUID.Data2).reverse(); // the first three parts are integers of the machine's byte order
  guid.subarray(GUID.Data2, GUID.Data3).reverse();
  guid.subarray(GUID.Data3, GUID.Data4).reverse();
  new Uint8Array(scratch.buffer).set(guid);
  const [input, output, bytes] = [scratch.address, scratch.address + 16, scratch.address + 24];
  const code = win.SIO_GET_EXTENSION_FUNCTION_POINTER;
  checkWinsock(ws2_32.WSAIoctl(listener, code, input, GUID.size, output, 8, bytes, 0, 0), ws2_32, 'WSAIoctl');
  return mswsock.AcceptEx(Number(view.getBigUint64(16, true)));
}
const acceptEx = findAcceptEx();

/** One accept is always under way: the socket is made first, and AcceptEx fills it. */
function accept(operation: Operation): void {
  const socket = openSocket();
  const call = (): boolean =>
    acceptEx(listener, socket, operation.data, 0, ADDRESS_SIZE, ADDRESS_SIZE, scratch.address, operation.address) !== 0;
  operation.start(0, call, (error) => {
    if (error !== 0 || stopping) ws2_32.closesocket(socket);
    else serve(socket);
    if (stopping) memory.release(operation.address);
    else accept(operation);
  });
}

function serve(socket: number): void {
  connections.add(socket);
  view.setBigUint64(0, BigInt(listener), true); // until it knows its listener, it is no whole socket
  ws2_32.setsockopt(socket, win.SOL_SOCKET, win.SO_UPDATE_ACCEPT_CONTEXT, scratch.address, 8);
  port.associate(socket, 2);
  receive(socket, new Operation());
}

function receive(socket: number, operation: Operation): void {
  const [buffer, flags] = [operation.address + WSABUF_AT, operation.address + FLAGS_AT];
  const call = (): boolean => ws2_32.WSARecv(socket, buffer, 1, 0, flags, operation.address, 0) === 0;
  operation.start(DATA_SIZE, call, (error, bytes) => {
    if (error !== 0 || bytes === 0)
      end(socket, operation); // broken, or ended by the peer
    else send(socket, operation, bytes);
  });
}

function send(socket: number, operation: Operation, bytes: number): void {
  const buffer = operation.address + WSABUF_AT;
  const call = (): boolean => ws2_32.WSASend(socket, buffer, 1, 0, 0, operation.address, 0) === 0;
  operation.start(bytes, call, (error) => {
    if (error !== 0) end(socket, operation);
    else receive(socket, operation);
  });
}

/** Nothing of this connection is under way: its memory may go. */
function end(socket: number, operation: Operation): void {
  if (connections.delete(socket)) ws2_32.closesocket(socket);
  memory.release(operation.address);
}

/** Node's own loop turns between two waits, so that Ctrl+C is heard within the 10 ms. */
function turn(): void {
  const count = port.dequeue(10);
  for (let index = 0; index < count; index++) {
    const address = entries.getBigUint64(index * OVERLAPPED_ENTRY.size + OVERLAPPED_ENTRY.lpOverlapped, true);
    inKernel.get(Number(address))?.finish(); // the packet says which operation it is: the pointer that we gave
  }
  if (!stopping || inKernel.size > 0) return void setImmediate(turn);
  port.close(); // every packet has come: the kernel has nothing of ours any more
  ws2_32.WSACleanup();
}

function stop(): void {
  stopping = true;
  process.stdin.destroy(); // would keep the process alive
  ws2_32.closesocket(listener); // what is under way on a socket comes back, with an error
  for (const socket of connections) ws2_32.closesocket(socket);
  connections.clear();
}
process.once('SIGINT', stop);
process.stdin.once('end', stop).resume();

accept(new Operation());
turn();
if (process.stdin.readableEnded) stop(); // its end came before anybody listened for it
