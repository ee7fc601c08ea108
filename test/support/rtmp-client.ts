/** A publisher or a player of RTMP, for tests and benchmarks of docs/examples/rtmp-relay. */
import { decodeAmf0, encodeAmf0, type Amf0Value } from '../../docs/examples/rtmp-relay/amf0.ts';
import {
  ChunkReader,
  Control,
  encodeMessage,
  MessageType,
  OUR_CHUNK_BYTES,
  type Message,
} from '../../docs/examples/rtmp-relay/chunks.ts';
import { command, MEDIA_STREAM, UserControl, userControl } from '../../docs/examples/rtmp-relay/messages.ts';
import { Finished } from '../../docs/examples/rtmp-relay/protocol-error.ts';
import type { Connection, Network } from '../../src/promises/index.ts';

const LARGEST_MESSAGE = 2 ** 24;
const PART_BYTES = 1536;

/** What a client sends before it has heard anything: its half of the handshake. */
export function greeting(): Buffer {
  return Buffer.concat([Buffer.of(3), Buffer.alloc(2 * PART_BYTES, 7)]);
}

/** How a client begins, to publish or to play. */
export function opening(verb: 'publish' | 'play', name: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(OUR_CHUNK_BYTES);
  return Buffer.concat([
    encodeMessage({ type: Control.ChunkSize, timestamp: 0, payload: size }, 0),
    command(0, 'connect', 1, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' }),
    command(0, 'createStream', 2, null),
    command(MEDIA_STREAM, verb, 3, null, name, 'live'),
  ]);
}

/** What comes next. @throws Finished at the end */
export async function moreOf(connection: Connection): Promise<Buffer> {
  const next: IteratorResult<Buffer, undefined> = await connection.chunks().next();
  if (next.value === undefined) throw new Finished();
  return next.value;
}

export class RtmpClient {
  readonly connection: Connection;
  readonly #chunks: ChunkReader;

  constructor(connection: Connection) {
    this.connection = connection;
    this.#chunks = new ChunkReader(() => moreOf(connection), LARGEST_MESSAGE);
  }

  /** Connects, and publishes or plays `live/name`. Done when the relay has said that it does. */
  static async open(
    { connect }: Pick<Network, 'connect'>,
    port: number,
    verb: 'publish' | 'play',
    name = 'x',
  ): Promise<RtmpClient> {
    const connection = await connect({ port, noDelay: true });
    const client = new RtmpClient(connection);
    await connection.write(greeting());
    await client.#chunks.take(1 + 2 * PART_BYTES);
    await connection.write(opening(verb, name));
    for (let values: Amf0Value[] = []; values[0] !== 'onStatus';) {
      const { type, payload } = await client.next();
      values = type === MessageType.Command ? decodeAmf0(payload) : [];
    }
    return client;
  }

  /** The next message. */
  next(): Promise<Message> {
    return this.#chunks.next();
  }

  /** The next message of sound, pictures or data; null when the stream is not published any more. Pings are answered. */
  async nextMedia(): Promise<Message | null> {
    for (;;) {
      const message = await this.next();
      if (message.type === Control.User && message.payload.readUInt16BE() === UserControl.PingRequest)
        await this.connection.write(userControl(UserControl.PingResponse, 0));
      if (message.type === MessageType.Command) return null;
      if (message.type >= MessageType.Audio) return message;
    }
  }

  /** All of it, to the end of the stream. */
  async media(): Promise<Message[]> {
    const all: Message[] = [];
    for (let message; (message = await this.nextMedia()) !== null;) all.push(message);
    return all;
  }

  send(type: number, timestamp: number, payload: Buffer): Promise<void> {
    return this.connection.write(encodeMessage({ type, timestamp, payload }, MEDIA_STREAM));
  }
}

/** A frame of H.264 as FLV has it: with the number in it, and of so many bytes. */
export function pictureOf(number: number, isKey: boolean, bytes = 100): Buffer {
  const payload = Buffer.alloc(Math.max(9, bytes), number);
  payload[0] = isKey ? 0x17 : 0x27;
  payload[1] = 1;
  payload.writeUInt32BE(number, 5);
  return payload;
}

export function numberOf(payload: Buffer): number {
  return payload.readUInt32BE(5);
}

export const VIDEO_SETTINGS = Buffer.from([0x17, 0, 0, 0, 0, 1, 2, 3]);
export const AUDIO_SETTINGS = Buffer.from([0xaf, 0, 0x12, 0x10]);
export const METADATA = encodeAmf0('@setDataFrame', 'onMetaData', { width: 320 });
