/** docs/examples/rtmp-relay/chunks.ts: messages in chunks, and chunks that are none. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ChunkReader, encodeMessage, type Message } from '../../../docs/examples/rtmp-relay/chunks.ts';
import { Finished, ProtocolError } from '../../../docs/examples/rtmp-relay/protocol-error.ts';
import { NetworkError } from '../../../src/index.ts';
import { simulate } from '../../../src/simulation/index.ts';
import { moreOf } from '../../support/rtmp-client.ts';

const LIMIT = 300_000;

/** Reads all messages of these bytes, which come in pieces as the seed has it, and says how it ended. */
async function read(bytes: Buffer, seed = 1): Promise<{ messages: Message[]; error: unknown }> {
  const { listen, connect, close } = simulate({ seed });
  const server = await listen();
  const writer = await connect({ port: server.port });
  const reading = await server.accept();
  const writing = writer.write(bytes).then(() => writer.closeWrite());
  writing.catch(() => undefined); // a reader that refuses is closed below
  const chunks = new ChunkReader(() => moreOf(reading), LIMIT);
  const messages: Message[] = [];
  try {
    for (;;) messages.push(await chunks.next());
  } catch (error) {
    await close();
    return { messages, error };
  }
}

/** A chunk by hand. */
function chunk(sort: number, id: number, head: number[], payload: number[] | Buffer = []): Buffer {
  return Buffer.concat([Buffer.of((sort << 6) | id, ...head), Buffer.from(payload)]);
}

/** Some chunk size for what follows. */
function chunkSize(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return encodeMessage({ type: 1, timestamp: 0, payload }, 0);
}

const messagesOf = fc.array(
  fc.record({
    type: fc.constantFrom(8, 9, 18, 20),
    timestamp: fc.oneof(fc.nat(2 ** 32 - 1), fc.constantFrom(0xfffffe, 0xffffff, 0x1000000)),
    payload: fc
      .oneof(fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 140_000), fc.nat(300))
      .map((size) => Buffer.alloc(size, size)),
  }),
  { maxLength: 5 },
);

describe('docs/examples/rtmp-relay: chunks', () => {
  it('give back the messages that were encoded, however their bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(messagesOf, fc.nat(2 ** 32 - 1), fc.nat(1000), async (messages, streamId, seed) => {
        const encoded = messages.map((message) => encodeMessage(message, streamId));
        for (const bytes of encoded) expect(bytes.readUInt32LE(8)).to.equal(streamId);
        const { messages: got, error } = await read(Buffer.concat([chunkSize(65_536), ...encoded]), seed);
        expect(error).to.be.instanceOf(Finished);
        expect(got).to.deep.equal(messages);
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('of two streams alternate, and leave out what is as it was', async () => {
    const { messages, error } = await read(
      Buffer.concat([
        chunk(0, 4, [0, 0, 10, 0, 0, 130, 9, 1, 0, 0, 0], Buffer.alloc(128, 1)),
        chunk(0, 5, [0, 0, 10, 0, 0, 1, 8, 1, 0, 0, 0], [2]),
        chunk(3, 4, [], [1, 1]),
        chunk(1, 4, [0, 0, 5, 0, 0, 1, 9], [3]),
        chunk(2, 4, [0, 0, 7], [4]),
        chunk(3, 4, [], [5]),
      ]),
    );
    expect(error).to.be.instanceOf(Finished);
    expect(messages.map(({ type, timestamp, payload }) => [type, timestamp, payload.length, payload[0]])).to.deep.equal(
      [
        [8, 10, 1, 2],
        [9, 10, 130, 1],
        [9, 15, 1, 3],
        [9, 22, 1, 4],
        [9, 29, 1, 5],
      ],
    );
  });

  it('have numbers of one, two and three bytes, and may be taken back', async () => {
    const { messages } = await read(
      Buffer.concat([
        Buffer.from([0, 6, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 1]), // stream 70
        Buffer.from([1, 6, 1, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 2]), // stream 326
        // Each takes most of what may have begun, and gives it back.
        ...Array.from({ length: 3 }, () => [
          chunk(0, 4, [0, 0, 0, 3, 0, 0, 9, 1, 0, 0, 0], Buffer.alloc(128, 1)),
          chunk(0, 2, [0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0], [0, 0, 0, 4]),
        ]).flat(),
        chunk(0, 4, [0, 0, 0, 0, 0, 1, 9, 1, 0, 0, 0], [3]),
      ]),
    );
    expect(messages.map(({ payload }) => payload[0])).to.deep.equal([1, 2, 3]);
  });

  const whole = [0, 0, 0, 0, 0, 200, 9, 1, 0, 0, 0];
  const refused: Record<string, [bytes: Buffer, why: string]> = {
    'a stream that begins without a whole head': [chunk(1, 4, [0, 0, 0, 0, 0, 1, 8], [1]), 'does not begin'],
    'a message in the middle of another': [
      Buffer.concat([chunk(0, 4, whole, Buffer.alloc(128)), chunk(0, 4, whole, Buffer.alloc(128))]),
      'in the middle of another',
    ],
    'a message that is too long, before it has come': [chunk(0, 4, [0, 0, 0, 255, 255, 255, 9, 0, 0, 0, 0]), 'refused'],
    'more begun messages than one may be long': [
      Buffer.concat([
        chunkSize(120_000),
        ...[4, 5, 6].map((id) => chunk(0, id, [0, 0, 0, 3, 0, 0, 9, 0, 0, 0, 0], Buffer.alloc(120_000))),
      ]),
      'refused',
    ],
    'more begun messages than that, although one was taken back twice': [
      Buffer.concat([
        chunk(0, 4, [0, 0, 0, 3, 0, 0, 9, 0, 0, 0, 0], Buffer.alloc(128)),
        ...[4, 4].map((id) => chunk(0, 2, [0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0], [0, 0, 0, id])),
        ...[5, 6].map((id) => chunk(0, id, [0, 0, 0, 3, 0, 0, 9, 0, 0, 0, 0], Buffer.alloc(128))),
      ]),
      'refused',
    ],
    'more streams than anybody needs': [
      Buffer.concat(Array.from({ length: 65 }, (_, id) => Buffer.from([0, id, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0]))),
      'More than 64',
    ],
    'chunks of no bytes': [chunkSize(0), 'No chunk has 0 bytes'],
    'a size of chunks that is no number': [chunk(0, 2, [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0], [1]), 'has 1 bytes'],
  };
  for (const [what, [bytes, why]] of Object.entries(refused)) {
    it(`refuse ${what}`, async () => {
      const { error } = await read(bytes);
      expect(error).to.be.instanceOf(ProtocolError);
      expect(String(error)).to.include(why);
    });
  }

  it('of any bytes end in order, or with an error that says why', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.nat(1000), async (bytes, seed) => {
        const { error } = await read(Buffer.from(bytes), seed);
        expect(
          [Finished, ProtocolError, NetworkError].some((kind) => error instanceof kind),
          String(error),
        ).to.equal(true);
      }),
      { seed: 1, numRuns: 80 },
    );
  });
});
