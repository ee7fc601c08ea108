/** One connection, from its handshake to its end: one who publishes a stream, or plays one. */
import { randomBytes } from 'node:crypto';
import type { Connection } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { decodeAmf0, type Amf0Object, type Amf0Value } from './amf0.ts';
import { ByteReader } from './byte-reader.ts';
import { ChunkReader, type Message } from './chunks.ts';
import type { LiveStream } from './live-stream.ts';
import {
  acknowledgement,
  command,
  MEDIA_STREAM,
  MessageType,
  ourSettings,
  status,
  UserControl,
  userControl,
} from './messages.ts';
import { Player } from './player.ts';
import { Finished, ProtocolError } from './protocol-error.ts';
import type { Relay } from './relay.ts';

/** Bytes that are read at once from who publishes: half a second of 4 Mbit/s. A relay that is behind takes much together, and catches up. */
const PUBLISHER_BYTES = 256 * 1024;

/**
 * Bytes of C1, S1, C2 and S2: a time, four zeros, random bytes. Encoders compare what comes back at most, so we do not compare. The
 * second form of the handshake, in which Flash Player signed the bytes, is asked for by a version in S1; with zeros there nobody asks.
 */
const HANDSHAKE_BYTES = 1536;
const VERSION = 3;

export class Session {
  readonly #connection: Connection;
  readonly #relay: Relay;
  readonly #reader: ByteReader;
  readonly #chunks: ChunkReader;
  #app: string | null = null;
  #stream: LiveStream | null = null;
  /** Null for who publishes. */
  #player: Player | null = null;
  /** Bytes after which the peer wants to hear that they have come. */
  #windowBytes = Infinity;
  #acknowledged = 0;

  constructor(connection: Connection, relay: Relay) {
    this.#connection = connection;
    this.#relay = relay;
    const { now, limits } = relay;
    const onSilence = (): void => void this.#send(userControl(UserControl.PingRequest, 0)).catch(() => undefined);
    this.#reader = new ByteReader(connection, { now, silenceMs: limits.silenceMs, onSilence });
    this.#chunks = new ChunkReader(this.#reader, limits.messageBytes);
  }

  /** Until it is over. @throws ProtocolError or NetworkError when it has not ended as it should */
  async run(): Promise<void> {
    const { limits, now } = this.#relay;
    try {
      this.#reader.deadline = now() + limits.beginMs;
      await this.#shakeHands();
      for (;;) {
        await this.#handle(await this.#chunks.next());
        if (this.#reader.taken - this.#acknowledged < this.#windowBytes) continue;
        this.#acknowledged = this.#reader.taken;
        await this.#send(acknowledgement(this.#acknowledged));
      }
    } catch (error) {
      if (!(error instanceof Finished)) throw this.#player?.failure ?? error;
    } finally {
      this.#leave();
    }
  }

  get isPublisher(): boolean {
    return this.#stream !== null && this.#player === null;
  }

  /** Ends it in order: players hear of their publisher's end, and get what waits for them first. */
  async stop(): Promise<void> {
    if (this.isPublisher) this.#leave();
    await this.#player?.flushed();
    await this.#connection.close();
  }

  /**
   * Both sides send a version, a time and random bytes, and each gives the other's back: C0 C1 ─► · ◄─ S0 S1 S2 · C2 ─►.
   * Source: Adobe's Real Time Messaging Protocol 1.0, 5.2
   */
  async #shakeHands(): Promise<void> {
    const version = (await this.#reader.take(1)).readUInt8();
    if (version !== VERSION) throw new ProtocolError(`The handshake begins with version ${version}, not ${VERSION}`);
    const c1 = Buffer.from(await this.#reader.take(HANDSHAKE_BYTES));
    const s1 = randomBytes(HANDSHAKE_BYTES).fill(0, 0, 8);
    await this.#send(Buffer.concat([Buffer.of(VERSION), s1, c1]));
    await this.#reader.take(HANDSHAKE_BYTES);
  }

  async #handle(message: Message): Promise<void> {
    const { type, payload } = message;
    switch (type) {
      case MessageType.Audio:
      case MessageType.Video:
      case MessageType.Data:
      case MessageType.DataAmf3:
        if (this.isPublisher) this.#stream?.send(message);
        break;
      case MessageType.Command:
        return this.#obey(payload);
      case MessageType.CommandAmf3: // in spite of its name: a zero, and then AMF0
        return this.#obey(payload.subarray(1));
      case MessageType.WindowSize:
        if (payload.length >= 4) this.#windowBytes = Math.max(1, payload.readUInt32BE());
        break;
      case MessageType.UserControl:
        if (payload.length >= 6 && payload.readUInt16BE() === UserControl.PingRequest)
          return this.#send(userControl(UserControl.PingResponse, payload.readUInt32BE(2)));
    }
  }

  async #obey(payload: Buffer): Promise<void> {
    const { commandBytes } = this.#relay.limits;
    if (payload.length > commandBytes) throw new ProtocolError(`A command has ${payload.length} bytes`);
    const [name, transaction = 0, first, ...rest] = decodeAmf0(payload);
    switch (name) {
      case 'connect':
        return this.#accept(transaction, first);
      case 'createStream':
        return this.#send(command(0, '_result', transaction, null, MEDIA_STREAM));
      case 'publish':
        return this.#publish(this.#named(rest[0]));
      case 'play':
        return this.#play(this.#named(rest[0]));
      case 'deleteStream':
      case 'closeStream':
      case 'FCUnpublish':
        if (this.#stream !== null) throw new Finished();
        break;
      default: // what encoders tell other servers, and need no answer to
    }
  }

  async #accept(transaction: Amf0Value, given: Amf0Value): Promise<void> {
    const app = (given as Amf0Object | null | undefined)?.['app'];
    if (typeof app !== 'string') throw new ProtocolError('connect names no application');
    this.#app = app.replace(/\/$/, '');
    const server: Amf0Object = { fmsVer: 'FMS/3,0,1,123', capabilities: 31 };
    const code = 'NetConnection.Connect.Success';
    const information: Amf0Object = { level: 'status', code, description: 'Welcome', objectEncoding: 0 };
    await this.#send(Buffer.concat([ourSettings(), command(0, '_result', transaction, server, information)]));
  }

  /** The stream that publish or play asks for: behind the application's name, and without what follows a question mark. */
  #named(name: Amf0Value): LiveStream {
    if (this.#app === null) throw new ProtocolError('A stream is asked for before connect');
    if (this.#stream !== null) throw new ProtocolError('A connection carries one stream');
    if (typeof name !== 'string' || name === '') throw new ProtocolError('publish and play need a name');
    return this.#relay.streamOf(`${this.#app}/${name.replace(/\?.*$/s, '')}`);
  }

  async #publish(stream: LiveStream): Promise<void> {
    if (stream.isPublished) {
      await this.#send(status('NetStream.Publish.BadName', `${stream.name} is being published`, 'error'));
      this.#say(`may not publish ${stream.name}, which somebody publishes`);
      throw new Finished();
    }
    this.#stream = stream;
    stream.begin();
    this.#reader.buffer = this.#relay.allocate(PUBLISHER_BYTES);
    this.#reader.deadline = Infinity;
    this.#say(`publishes ${stream.name}`);
    await this.#send(userControl(UserControl.StreamBegin, MEDIA_STREAM));
    await this.#send(status('NetStream.Publish.Start', `${stream.name} is published`));
  }

  async #play(stream: LiveStream): Promise<void> {
    this.#stream = stream;
    this.#player = new Player(this.#connection, this.#relay.limits, () =>
      this.#say(`falls behind on ${stream.name}: groups of pictures are dropped`),
    );
    this.#reader.deadline = Infinity;
    await this.#send(userControl(UserControl.StreamBegin, MEDIA_STREAM));
    await this.#send(status('NetStream.Play.Start', `${stream.name} is played`));
    stream.add(this.#player);
    this.#say(`plays ${stream.name}`);
  }

  #leave(): void {
    const stream = this.#stream;
    if (stream === null) return;
    if (this.#player === null) {
      stream.end();
      this.#say(`has ended ${stream.name}`);
    } else {
      stream.players.delete(this.#player);
      this.#say(`has left ${stream.name}; ${this.#player.droppedFrames} frames were dropped`);
    }
    this.#stream = null;
    this.#relay.forget(stream);
  }

  #send(bytes: Buffer): Promise<void> {
    return this.#connection.write(bytes, { timeout: this.#relay.limits.stallMs });
  }

  #say(text: string): void {
    const { address, port } = this.#connection.remote;
    this.#relay.say(`${address}:${port} ${text}`);
  }
}
