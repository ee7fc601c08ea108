/** The tables bind to the DLLs of this system, and what they return has the types that the library counts on. */
import { expect } from 'chai';
import {
  AF_INET,
  AF_INET6,
  INVALID_HANDLE_VALUE,
  INVALID_SOCKET,
  IPPROTO_TCP,
  SIO_GET_EXTENSION_FUNCTION_POINTER,
  SOCK_STREAM,
  WSA_FLAG_OVERLAPPED,
} from '../../ffi/constants.ts';
import { GUID, OVERLAPPED_ENTRY, WSADATA_SIZE } from '../../ffi/layouts.ts';
import { WSAID } from '../../ffi/mswsock.ts';
import type { Win32Tables } from '../../ffi/tables.ts';
import { WAIT_TIMEOUT } from '../../ffi/wsa-errors.ts';
import { windowsPlatform } from '../../src/windows/windows-platform.ts';

describe('ffi/tables.ts', () => {
  let tables: Win32Tables;
  before(() => {
    tables = windowsPlatform(); // loadWin32Tables(), once per process
    const region = tables.memory.allocate(WSADATA_SIZE)!;
    expect(tables.ws2_32.WSAStartup(0x0202, region.address)).to.equal(0);
    tables.memory.release(region.address);
  });

  it('have every declared function', () => {
    const names = {
      kernel32: [
        'CreateIoCompletionPort',
        'GetQueuedCompletionStatusEx',
        'PostQueuedCompletionStatus',
        'CancelIoEx',
        'SetFileCompletionNotificationModes',
        'CreateEventW',
        'SetEvent',
        'WaitForSingleObject',
        'CloseHandle',
        'GetLastError',
        'VirtualAlloc',
        'VirtualFree',
      ],
      ws2_32: [
        'WSAStartup',
        'WSACleanup',
        'WSASocketW',
        'WSADuplicateSocketW',
        'bind',
        'listen',
        'WSARecv',
        'WSARecvFrom',
        'WSASend',
        'WSASendTo',
        'WSAIoctl',
        'setsockopt',
        'getsockopt',
        'getsockname',
        'getpeername',
        'shutdown',
        'closesocket',
        'WSAGetLastError',
      ],
    } as const;
    for (const dll of ['kernel32', 'ws2_32'] as const) {
      expect(Object.keys(tables[dll])).to.include.members([...names[dll]]);
      for (const [name, value] of Object.entries(tables[dll])) expect(value, name).to.be.a('function');
    }
  });

  it('allocate zeroed memory, aligned, that both sides see', () => {
    const { memory } = tables;
    const region = memory.allocate(100_000)!;
    expect(region.address % 65536).to.equal(0);
    const bytes = new Uint8Array(region.buffer);
    expect(bytes).to.have.lengthOf(100_000);
    expect(bytes.every((byte) => byte === 0)).to.equal(true);
    bytes[99_999] = 7;
    memory.release(region.address);
  });

  it('carry a packet through a port, key and pointer of 64 bits included', () => {
    const { kernel32, memory } = tables;
    const port = kernel32.CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0, 1);
    expect(port).to.be.above(0);
    const region = memory.allocate(4096)!;
    const [key, pointer] = [2 ** 40 + 5, 2 ** 45 + 64];
    expect(kernel32.PostQueuedCompletionStatus(port, 77, key, pointer)).to.not.equal(0);
    expect(kernel32.GetQueuedCompletionStatusEx(port, region.address, 4, region.address + 1024, 1000, 0)).to.not.equal(
      0,
    );
    const view = new DataView(region.buffer);
    expect(view.getUint32(1024, true)).to.equal(1);
    expect(Number(view.getBigUint64(OVERLAPPED_ENTRY.lpCompletionKey, true))).to.equal(key);
    expect(Number(view.getBigUint64(OVERLAPPED_ENTRY.lpOverlapped, true))).to.equal(pointer);
    expect(view.getUint32(OVERLAPPED_ENTRY.dwNumberOfBytesTransferred, true)).to.equal(77);
    expect(kernel32.GetQueuedCompletionStatusEx(port, region.address, 4, region.address + 1024, 0, 0)).to.equal(0);
    expect(kernel32.GetLastError()).to.equal(WAIT_TIMEOUT);
    expect(kernel32.CloseHandle(port)).to.not.equal(0);
    memory.release(region.address);
  });

  it('keep the last error until it is asked for', () => {
    const { kernel32, ws2_32 } = tables;
    expect(kernel32.CloseHandle(0x7ffffff0)).to.equal(0);
    // Whatever JavaScript does in between, koffi hands out what the call left.
    JSON.stringify(new Array(1000).fill({ a: 1 }));
    expect(kernel32.GetLastError()).to.equal(6);
    expect(ws2_32.WSASocketW(9999, SOCK_STREAM, IPPROTO_TCP, 0, 0, WSA_FLAG_OVERLAPPED)).to.equal(INVALID_SOCKET);
    expect(ws2_32.WSAGetLastError()).to.equal(10047);
  });

  for (const [family, name] of [
    [AF_INET, 'IPv4'],
    [AF_INET6, 'IPv6'],
  ] as const) {
    it(`find the extension functions of ${name}`, () => {
      const { ws2_32, memory, mswsock } = tables;
      const socket = ws2_32.WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, 0, 0, WSA_FLAG_OVERLAPPED);
      expect(socket).to.be.above(0);
      const region = memory.allocate(4096)!;
      const view = new DataView(region.buffer);
      for (const name of Object.keys(WSAID) as (keyof typeof WSAID)[]) {
        writeGuid(view, WSAID[name]);
        const { address } = region;
        const result = ws2_32.WSAIoctl(
          socket,
          SIO_GET_EXTENSION_FUNCTION_POINTER,
          address,
          GUID.size,
          address + 64,
          8,
          address + 128,
          0,
          0,
        );
        expect(result, name).to.equal(0);
        const pointer = Number(view.getBigUint64(64, true));
        expect(pointer, name).to.be.above(0);
        expect(mswsock[name](pointer), name).to.be.a('function');
        expect(mswsock[name](pointer), 'a second time').to.be.a('function');
      }
      expect(ws2_32.closesocket(socket)).to.equal(0);
      memory.release(region.address);
    });
  }
});

function writeGuid(view: DataView, text: string): void {
  const digits = text.replaceAll('-', '');
  view.setUint32(0, parseInt(digits.slice(0, 8), 16), true);
  view.setUint16(4, parseInt(digits.slice(8, 12), 16), true);
  view.setUint16(6, parseInt(digits.slice(12, 16), 16), true);
  for (let index = 0; index < 8; index++) {
    view.setUint8(8 + index, parseInt(digits.slice(16 + index * 2, 18 + index * 2), 16));
  }
}
