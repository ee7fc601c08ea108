/**
 * A sendFile behind a write that fills the buffers: the file is opened (or read, on the second way) at any moment, and sent
 * when the peer reads.
 */
import type { IoKind } from '../../../src/sim/machine/machine.ts';
import type { EventName } from '../orders/outcomes.ts';
import { BUFFER_SIZE, StreamScene } from './stream-scene.ts';

/** More than the send buffer takes at once, so that a part of it may go out alone where a system splits sends. */
const FILE = 'file';
const HEAD = '>';
/** What a write sends that follows. */
const NEXT = 'next';
const BEFORE = '\0'.repeat(2 * BUFFER_SIZE);
const WHOLE = BEFORE + HEAD + FILE;
/** A RST overtakes what had been sent. */
const RESETTING: readonly EventName[] = ['resetSocket', 'RST'];

export class FileScene extends StreamScene {
  #callsBefore = 0;
  /** Of the file that the second way is given open. */
  #fd = -1;

  override get kind(): IoKind {
    return this.setting.second ? 'WSASend' : 'TransmitFile';
  }

  override prepare(): void {
    this.platform.files.put('file', Buffer.from(FILE));
    if (this.setting.second) this.#fd = this.platform.files.openNow('file');
    this.connect(() => this.fillBuffers());
  }

  /** What arrives is the file as a whole, nothing of it, or a beginning that a RST follows. */
  override checkNothingLost(settle: () => void): Promise<void> {
    const { event, race } = this.setting;
    const { end } = this.peer;
    const arrived = this.#arrived();
    if (!WHOLE.startsWith(arrived)) throw new Error(`The peer got ${JSON.stringify(arrived)}`);
    if (this.outcome === 'success' && !RESETTING.includes(event)) expectText(arrived, WHOLE);
    if (!this.isTakenBack) return Promise.resolve();
    if (end.broken !== 0) {
      if (arrived === WHOLE)
        throw new Error('All of the file has arrived, and its callback says that it was truncated');
      if (this.#callsMade === this.#callsBefore) throw new Error('A file was truncated of which nothing had been sent');
      return Promise.resolve();
    }
    this.pal.asyncWrite(this.socket, Buffer.from(NEXT), () => undefined);
    if (!race) this.peer.drain();
    settle();
    expectText(arrived + this.#arrived(), BEFORE + NEXT);
    return Promise.resolve();
  }

  override check(): void {
    if (this.setting.second) this.platform.files.close(this.#fd); // it has stayed open: whose it is closes it
    super.check();
  }

  protected override start(): void {
    this.#callsBefore = this.#callsMade;
    const { second } = this.setting;
    const options = { ...this.options, head: Buffer.from(HEAD), transmitFile: !second };
    this.operation = this.pal.asyncSendFile(this.socket, second ? this.#fd : 'file', options, (error, bytes) => {
      if (error === null && bytes !== HEAD.length + FILE.length) throw new Error(`${bytes} bytes were sent`);
      this.ended(error);
    });
  }

  get #callsMade(): number {
    const { TransmitFile = 0, WSASend = 0 } = this.pal.stats().syscalls;
    return TransmitFile + WSASend;
  }

  /** Takes what the peer has got. */
  #arrived(): string {
    const { in: queue } = this.peer.end;
    const bytes = Buffer.alloc(queue.length);
    queue.take(bytes, 0, bytes.length);
    return bytes.toString('latin1');
  }
}

function expectText(found: string, expected: string): void {
  if (found !== expected) throw new Error(`The peer got ${JSON.stringify(found)} and not ${JSON.stringify(expected)}`);
}
