/** One connection, from its handshake to its end: one who publishes a stream, or plays one. */
import type { Connection } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { decodeAmf0, type Amf0Object, type Amf0Value } from './amf0.ts';
import { ChunkReader, Control, MessageType, type Message } from './chunks.ts';
import type { LiveStream } from './live-stream.ts';
import { acknowledgement, command, MEDIA_STREAM, ourSettings, status, UserControl, userControl } from './messages.ts';
import { Player } from './player.ts';
import { Finished, ProtocolError } from './protocol-error.ts';
import type { Relay } from './relay.ts';

/** Bytes that are read at once from who publishes: half a second of 4 Mbit/s. A relay that is behind takes much together, and catches up. */
const PUBLISHER_BYTES = 256 * 1024;
/** The same of everybody else, who says little: of ten thousand players it is 10 MiB. */
const FIRST_BYTES = 1024;

/**
 * Bytes of C1, S1, C2 and S2: a time, four zeros, and any bytes. Encoders compare what comes back at most, so ours are zeros, which we
 * do not compare. The second form of the handshake, in which Flash Player signed the bytes, is asked for by a version in S1; with zeros
 * there nobody asks.
 */
const HANDSHAKE_BYTES = 1536;
const VERSION = 3;
/** Bytes of one command, which is a few names and numbers. */
const COMMAND_BYTES = 64 * 1024;
/** Commands that end what was published or played. */
const ENDS: readonly Amf0Value[] = ['deleteStream', 'closeStream', 'FCUnpublish'];

export class Session {
  readonly #connection: Connection;
  readonly #relay: Relay;
  readonly #chunks: ChunkReader;
  /** By when, in the time of now(), he must publish or play. */
  #deadline: number;
  /** What is read into. */
  #buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
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
    this.#deadline = relay.now() + relay.limits.beginMs;
    this.#chunks = new ChunkReader(() => this.#read(), relay.limits.messageBytes);
  }

  /** Until it is over. @throws ProtocolError or NetworkError when it has not ended as it should */
  async run(): Promise<void> {
    this.#relay.sessions.add(this);
    try {
      await this.#shakeHands();
      for (;;) {
        await this.#handle(await this.#chunks.next());
        if (this.#chunks.taken - this.#acknowledged < this.#windowBytes) continue;
        this.#acknowledged = this.#chunks.taken;
        await this.#send(acknowledgement(this.#acknowledged));
      }
    } catch (error) {
      if (!(error instanceof Finished)) throw this.#player?.failure ?? error;
    } finally {
      this.#relay.sessions.delete(this);
      this.#leave();
    }
  }

  /** Ends it in order: a player gets what waits for him first. */
  async stop(): Promise<void> {
    await this.#player?.sending;
    await this.#connection.close();
  }

  /**
   * Both sides send a version, a time and any bytes, and each gives the other's back: C0 C1 ─► · ◄─ S0 S1 S2 · C2 ─►.
   * Source: Adobe's Real Time Messaging Protocol 1.0, 5.2
   */
  async #shakeHands(): Promise<void> {
    const [version] = await this.#chunks.take(1);
    if (version !== VERSION) throw new ProtocolError(`The handshake begins with version ${version}, not ${VERSION}`);
    const c1 = await this.#chunks.take(HANDSHAKE_BYTES);
    await this.#send(Buffer.concat([Buffer.of(VERSION), Buffer.alloc(HANDSHAKE_BYTES), c1]));
    await this.#chunks.take(HANDSHAKE_BYTES);
  }

  async #handle(message: Message): Promise<void> {
    const { type, payload } = message;
    const isAmf3 = type === MessageType.CommandAmf3; // in spite of its name: a zero, and then AMF0
    if (type === MessageType.Command || isAmf3) await this.#obey(payload.subarray(isAmf3 ? 1 : 0));
    if (type === Control.WindowSize && payload.length >= 4) this.#windowBytes = Math.max(1, payload.readUInt32BE());
    if (type === Control.User && payload.length >= 6 && payload.readUInt16BE() === UserControl.PingRequest)
      await this.#send(userControl(UserControl.PingResponse, payload.readUInt32BE(2)));
    if (this.#player === null) this.#stream?.send(message);
  }

  async #obey(payload: Buffer): Promise<void> {
    if (payload.length > COMMAND_BYTES) throw new ProtocolError(`A command has ${payload.length} bytes`);
    const [name, transaction = 0, first, second] = decodeAmf0(payload);
    if (name === 'connect') await this.#accept(transaction, first);
    else if (name === 'createStream') await this.#send(command(0, '_result', transaction, null, MEDIA_STREAM));
    else if (name === 'publish') await this.#publish(this.#named(second));
    else if (name === 'play') await this.#play(this.#named(second));
    else if (ENDS.includes(name) && this.#stream !== null) throw new Finished();
    // The others are what encoders tell other servers, and need no answer to.
  }

  async #accept(transaction: Amf0Value, given: Amf0Value): Promise<void> {
    const app = (given as Amf0Object | null | undefined)?.['app'];
    if (typeof app !== 'string') throw new ProtocolError('connect names no application');
    this.#app = app.replace(/\/$/, '');
    const server = { fmsVer: 'FMS/3,0,1,123', capabilities: 31 };
    const welcome = { level: 'status', code: 'NetConnection.Connect.Success', objectEncoding: 0 };
    await this.#send(Buffer.concat([ourSettings(), command(0, '_result', transaction, server, welcome)]));
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
    stream.isPublished = true;
    this.#buffer = this.#relay.allocate(PUBLISHER_BYTES);
    await this.#begin(stream, 'NetStream.Publish.Start');
    this.#say(`publishes ${stream.name}`);
  }

  async #play(stream: LiveStream): Promise<void> {
    const onBehind = (): void => this.#say(`falls behind on ${stream.name}: groups of pictures are dropped`);
    this.#player = new Player(this.#connection, this.#relay.limits, onBehind);
    await this.#begin(stream, 'NetStream.Play.Start');
    stream.add(this.#player);
    this.#say(`plays ${stream.name}`);
  }

  /** What a publisher and a player begin with. */
  async #begin(stream: LiveStream, code: string): Promise<void> {
    this.#stream = stream;
    this.#deadline = Infinity;
    await this.#send(Buffer.concat([userControl(UserControl.StreamBegin, MEDIA_STREAM), status(code, stream.name)]));
  }

  /** What has come. Who is silent is asked once whether he is there. */
  async #read(isAsked = false): Promise<Buffer> {
    const { now, limits } = this.#relay;
    const left = Math.ceil(this.#deadline - now());
    if (left <= 0) throw new ProtocolError('The peer has taken too long to begin');
    try {
      const bytes = await this.#connection.read(this.#buffer, { timeout: Math.min(left, limits.silenceMs) });
      if (bytes === 0) throw new Finished();
      return this.#buffer.subarray(0, bytes);
    } catch (error) {
      if (isAsked || left <= limits.silenceMs || (error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') throw error;
      this.#send(userControl(UserControl.PingRequest, 0)).catch(() => undefined);
      return this.#read(true); // which gets what has come meanwhile
    }
  }

  /** Nobody may be left: the stream goes with the last one. */
  #leave(): void {
    const [stream, player] = [this.#stream, this.#player];
    if (stream === null) return;
    if (player === null) stream.end();
    else stream.players.delete(player);
    if (!stream.isPublished && stream.players.size === 0) this.#relay.streams.delete(stream.name);
    if (player === null) this.#say(`has ended ${stream.name}`);
    else this.#say(`has left ${stream.name}; ${player.droppedFrames} frames were dropped`);
  }

  #send(bytes: Buffer): Promise<void> {
    return this.#connection.write(bytes, { timeout: this.#relay.limits.stallMs });
  }

  #say(text: string): void {
    const { address, port } = this.#connection.remote;
    this.#relay.say(`${address}:${port} ${text}`);
  }
}
