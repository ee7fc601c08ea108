/**
 * Bytes sent twice, after a buffer had lost its own in the middle of a write.
 *
 * Where the next bytes are was counted by the lengths of the buffers at that moment. A buffer of a list that was detached
 * after it had been copied counted 0 then, and the buffer behind it began anew, although a part of it had gone out. One that
 * had shrunk to what was sent of it began anew itself, in the place of the bytes that it had lost.
 */
import { expect } from 'chai';
import { createNetworkPal, type NetworkPal, type SocketHandle } from '../../../src/index.ts';
import { simulatePlatform, type SimulatedPlatform } from '../../../src/sim/index.ts';

const KIB = 1024;

/** What a peer gets of what `send` writes. */
async function received(
  platform: SimulatedPlatform,
  send: (pal: NetworkPal, socket: SocketHandle) => void,
): Promise<Buffer> {
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0, { acceptDepth: 1 });
  pal.asyncAccept(server.handle, (_, client) => send(pal, client));
  const parts: Buffer[] = [];
  pal.asyncConnect('127.0.0.1', server.port, {}, (_, socket) => {
    const buffer = Buffer.alloc(64 * KIB);
    const readOn = (): void => {
      pal.asyncRead(socket, buffer, buffer.length, (error, bytes) => {
        if (error !== null || bytes === 0) return;
        parts.push(Buffer.from(buffer.subarray(0, bytes)));
        readOn();
      });
    };
    readOn();
  });
  await platform.settle();
  void pal.stopEventLoop();
  await platform.settle();
  await ended;
  return Buffer.concat(parts);
}

describe('a write whose buffer changes while it is under way', () => {
  it('goes on behind what was sent, when the buffer before it was detached meanwhile', async () => {
    const first = new Uint8Array(200 * KIB).fill(1);
    const second = new Uint8Array(200 * KIB).map((_, index) => index / KIB);
    const platform = simulatePlatform({ seed: 0, plain: true, keepAlive: true });
    let outcome = '';
    const bytes = await received(platform, (pal, socket) => {
      pal.asyncWrite(socket, [first, second], (error, sent) => (outcome = error?.code ?? String(sent)));
      // One send takes 256 KiB at most: all of the first buffer, and a part of the second.
      structuredClone(first, { transfer: [first.buffer] });
    });
    expect(outcome).to.equal(String(400 * KIB));
    expect(bytes.length).to.equal(400 * KIB);
    expect(bytes.subarray(200 * KIB).equals(second)).to.equal(true);
  });

  it('ends with an error, when its buffer has shrunk to what was sent', async () => {
    // TypeScript knows resizable buffers from ES2024 on.
    type Resizable = ArrayBuffer & { resize: (byteLength: number) => void };
    const options = { maxByteLength: 400 * KIB };
    const memory = new (ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable)(
      400 * KIB,
      options,
    );
    const data = new Uint8Array(memory).fill(7);
    const platform = simulatePlatform({ seed: 0, plain: true, keepAlive: true });
    let outcome = '';
    const bytes = await received(platform, (pal, socket) => {
      pal.asyncWrite(socket, data, (error, sent) => (outcome = `${error?.code} after ${sent}`));
      memory.resize(256 * KIB);
    });
    expect(outcome).to.equal(`ERR_BUFFER_DETACHED after ${256 * KIB}`);
    expect(bytes.length).to.be.at.most(256 * KIB);
  });
});
