/** Every way of the runtime in which an ArrayBuffer loses its memory to another one. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect } from 'chai';

interface Moved {
  transfer?: () => ArrayBuffer;
  transferToFixedLength?: () => ArrayBuffer;
}
const { transfer, transferToFixedLength } = ArrayBuffer.prototype as Moved;

/** What was made of the buffer by somebody, seen as bytes; a copy is as good as a refusal. */
export const transfers: Record<string, (buffer: ArrayBuffer) => unknown> = {
  'ArrayBuffer.prototype.transfer': (buffer) => transfer?.call(buffer),
  'ArrayBuffer.prototype.transferToFixedLength': (buffer) => transferToFixedLength?.call(buffer),
  structuredClone: (buffer) => structuredClone(buffer, { transfer: [buffer] }),
  'structuredClone of a view': (buffer) => structuredClone(Buffer.from(buffer, 10, 10), { transfer: [buffer] }),
  postMessage: (buffer) => {
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(buffer, [buffer]);
      return (receiveMessageOnPort(port2) as { message: unknown } | undefined)?.message;
    } finally {
      port1.close();
    }
  },
  'a byte stream, enqueued': async (buffer) => {
    const start = (controller: ReadableByteStreamController): void => {
      controller.enqueue(Buffer.from(buffer));
    };
    return (await new ReadableStream({ type: 'bytes', start }).getReader().read()).value;
  },
  'a byte stream, read into': async (buffer) => {
    const pull = (controller: ReadableByteStreamController): void => {
      controller.byobRequest?.respond(1);
    };
    const reader = new ReadableStream({ type: 'bytes', pull }).getReader({ mode: 'byob' });
    return (await reader.read(Buffer.from(buffer))).value;
  },
  'a byte stream, answered with it': async (buffer) => {
    const pull = (controller: ReadableByteStreamController): void => {
      controller.byobRequest?.respondWithNewView(new Uint8Array(buffer));
    };
    const reader = new ReadableStream({ type: 'bytes', pull }).getReader({ mode: 'byob' });
    return (await reader.read(new Uint8Array(buffer.byteLength))).value;
  },
};

/** Fails when `part` (one of the above) takes a view's memory away, or shows it to somebody else. A copy is fine. */
export async function expectToKeepItsMemory(view: Uint8Array, part: (buffer: ArrayBuffer) => unknown): Promise<void> {
  const buffer = view.buffer as ArrayBuffer;
  const { byteLength } = buffer;
  view.fill(7);
  let other: unknown;
  try {
    other = await part(buffer);
  } catch (error) {
    expect((error as Error).name).to.be.oneOf(['TypeError', 'DataCloneError']);
  }
  expect([buffer.byteLength, view[0]], 'what is left of it').to.deep.equal([byteLength, 7]);
  if (!(other instanceof ArrayBuffer || ArrayBuffer.isView(other))) return;
  const copy = ArrayBuffer.isView(other) ? new Uint8Array(other.buffer) : new Uint8Array(other);
  view.fill(8);
  expect(copy.includes(8), 'the other one shows the same memory').to.equal(false);
}
