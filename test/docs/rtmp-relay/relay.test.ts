/** docs/examples/rtmp-relay on a simulated network: who gets what, what each limit does, and that nobody harms anybody else. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Control, encodeMessage, MessageType } from '../../../docs/examples/rtmp-relay/chunks.ts';
import type { Limits } from '../../../docs/examples/rtmp-relay/limits.ts';
import { UserControl } from '../../../docs/examples/rtmp-relay/messages.ts';
import { Finished } from '../../../docs/examples/rtmp-relay/protocol-error.ts';
import { startRelay, type Relay } from '../../../docs/examples/rtmp-relay/relay.ts';
import type { Connection } from '../../../src/promises/index.ts';
import { simulate, type Simulation } from '../../../src/simulation/index.ts';
import {
  AUDIO_SETTINGS,
  greeting,
  METADATA,
  numberOf,
  opening,
  pictureOf,
  RtmpClient,
  VIDEO_SETTINGS,
} from '../../support/rtmp-client.ts';

interface Scene extends Simulation {
  readonly relay: Relay;
  readonly said: string[];
  readonly errors: string[];
  readonly publish: (name?: string) => Promise<RtmpClient>;
  readonly play: (name?: string) => Promise<RtmpClient>;
}

const { Video, Audio, Data } = MessageType;

async function scene(seed: number, limits: Partial<Limits> = {}): Promise<Scene> {
  const simulation = simulate({ seed });
  const [said, errors]: [string[], string[]] = [[], []];
  const relay = await startRelay(simulation, {
    port: 1935,
    limits,
    now: simulation.now,
    say(text) {
      said.push(text);
      const [, error] = / was reset: (.*)/s.exec(text) ?? [];
      if (error !== undefined) errors.push(error);
    },
  });
  return {
    ...simulation,
    relay,
    said,
    errors,
    publish: (name) => RtmpClient.open(simulation, relay.server.port, 'publish', name),
    play: (name) => RtmpClient.open(simulation, relay.server.port, 'play', name),
  };
}

/** Pictures from `from` to before `to`, each fourth a key frame. */
async function pictures(publisher: RtmpClient, from: number, to: number, bytes?: number): Promise<void> {
  for (let number = from; number < to; number++)
    await publisher.send(Video, number * 40, pictureOf(number, number % 4 === 0, bytes));
}

async function someOf(player: RtmpClient, count: number): Promise<number[]> {
  const numbers: number[] = [];
  while (numbers.length < count) {
    const message = await player.nextMedia();
    if (message === null) break;
    if (message.type === Video && message.payload[1] === 1) numbers.push(numberOf(message.payload));
  }
  return numbers;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

for (const seed of [1, 2, 3]) {
  describe(`docs/examples/rtmp-relay on a simulated network, seed ${seed}`, () => {
    it('gives everybody all of it, and who is late the settings and the group that is under way', async () => {
      const { publish, play, relay, close } = await scene(seed);
      const early = await play();
      const publisher = await publish();
      await publisher.send(Data, 0, METADATA);
      await publisher.send(Video, 0, VIDEO_SETTINGS);
      await publisher.send(Audio, 0, AUDIO_SETTINGS);
      await pictures(publisher, 0, 6, 70_000);
      expect(await someOf(early, 6)).to.deep.equal(range(0, 6));
      const late = await play();
      await publisher.send(Audio, 225, Buffer.from([0xaf, 1, 9]));
      await pictures(publisher, 6, 10);
      await publisher.connection.close();
      const kinds = (await late.media()).map(({ type, timestamp, payload }) => {
        return [type, timestamp, type === Video && payload[1] === 1 ? numberOf(payload) : payload[1]];
      });
      expect(kinds).to.deep.equal([
        [Data, 0, METADATA[17]],
        [Video, 0, 0],
        [Audio, 0, 0],
        [Video, 160, 4],
        [Video, 200, 5],
        [Audio, 225, 1],
        ...range(6, 10).map((number) => [Video, number * 40, number]),
      ]);
      expect(await someOf(early, 100)).to.deep.equal(range(6, 10));
      await relay.stop();
      await close();
    });

    it('drops whole groups for who takes nothing, and nothing for others', async () => {
      const { publish, play, relay, said, close } = await scene(seed, { queueBytes: 1_000_000 });
      const [stalled, good] = [await play(), await play()];
      const publisher = await publish();
      let sent = 0;
      for (; !said.some((text) => text.includes('falls behind')); sent += 4) {
        await pictures(publisher, sent, sent + 4, 60_000);
        expect(await someOf(good, 4)).to.deep.equal(range(sent, sent + 4));
      }
      await publisher.connection.close();
      const numbers = await someOf(stalled, sent);
      const groups = range(0, sent / 4).filter((group) => numbers.includes(group * 4));
      expect(numbers).to.deep.equal(groups.flatMap((group) => range(group * 4, group * 4 + 4)));
      expect(groups.length).to.be.lessThan(sent / 4);
      expect(groups.at(-1)).to.equal(sent / 4 - 1);
      await relay.stop();
      await relay.served;
      expect(said.join('\n')).to.match(/has left live\/x; [1-9]\d* frames were dropped/);
      await close();
    });

    it('sends a frame to everybody from the one place where it is', async () => {
      const { publish, play, pal, relay, sleep, close } = await scene(seed);
      for (let index = 0; index < 20; index++) await play(); // who take nothing: a send to each stays under way
      const publisher = await publish();
      const before = pal.stats().pinnedBytes;
      await pictures(publisher, 0, 40, 60_000);
      await sleep(1000);
      const { pinnedBytes, operations } = pal.stats();
      expect(operations.send).to.equal(20);
      expect(pinnedBytes - before, 'the frames, once, and what they are cut from').to.be.within(2_400_000, 4_000_000);
      await relay.stop(0);
      await close();
    });

    it('resets who says nothing, who goes on beginning, and who takes nothing', async () => {
      const { connect, publish, play, relay, errors, sleep, close } = await scene(seed, { queueBytes: 100_000 });
      const silent = await connect({ port: 1935 });
      const slow = await connect({ port: 1935 });
      const dribble = (async () => {
        for (const byte of greeting()) {
          await slow.write(Buffer.of(byte));
          await sleep(500);
        }
      })();
      dribble.catch(() => undefined);
      await sleep(11_000);
      expect(relay.sessions.size, 'those who have not begun').to.equal(0);
      expect([silent, slow].length).to.equal(errors.length);
      await play('y');
      const publisher = await publish('y'); // whose player takes nothing
      for (let number = 0; relay.streams.get('live/y')?.players.size === 1; number++) {
        await pictures(publisher, number * 4, number * 4 + 4, 60_000);
        await sleep(5000);
      }
      expect([relay.sessions.size, errors.length]).to.deep.equal([1, 3]);
      await relay.stop();
      await close();
    });

    it('keeps who answers its pings, and ends who does not', async () => {
      const { play, relay, sleep, close } = await scene(seed);
      const [lively] = [await play(), await play()];
      for (let minute = 0; minute < 3; minute++) {
        const { type, payload } = await lively.next();
        expect([type, payload.readUInt16BE()]).to.deep.equal([Control.User, UserControl.PingRequest]);
        const pong = Buffer.alloc(6);
        pong.writeUInt16BE(UserControl.PingResponse);
        await lively.send(Control.User, 0, pong);
      }
      await sleep(1000);
      expect(relay.sessions.size).to.equal(1);
      await relay.stop();
      await close();
    });

    it('lets one publish at a time, and another when he has gone', async () => {
      const { publish, play, relay, said, close } = await scene(seed);
      const [first, player] = [await publish(), await play()];
      const second = await publish();
      expect(await second.next().catch((error: unknown) => error)).to.be.instanceOf(Finished);
      expect(said.join('\n')).to.include('may not publish live/x');
      await pictures(first, 0, 2);
      expect(await someOf(player, 2)).to.deep.equal([0, 1]);
      await first.connection.reset();
      expect(await player.nextMedia()).to.equal(null);
      const third = await publish();
      await pictures(third, 2, 6);
      expect(await someOf(player, 2), 'it begins with a key frame').to.deep.equal([4, 5]);
      await relay.stop();
      await close();
    });

    it('ends the streams when it stops, behind what players have not got yet', async () => {
      const { publish, play, relay, errors, close, sleep } = await scene(seed);
      const [player, publisher] = [await play(), await publish()];
      const [idle] = [await play('still'), await publish('still')];
      await pictures(publisher, 0, 12, 100_000);
      await sleep(1000);
      const stopped = relay.stop();
      expect(await someOf(player, 100)).to.deep.equal(range(0, 12));
      expect(await idle.nextMedia(), 'who has everything hears of the end').to.equal(null);
      await stopped;
      await relay.served;
      expect([relay.sessions.size, relay.streams.size, errors]).to.deep.equal([0, 0, []]);
      await close();
    });
  });
}

/** What a hostile peer does with the bytes of a good publisher. */
const attacks = fc.record({
  seed: fc.nat(10_000),
  /** Where he leaves off, in thousandths. */
  cut: fc.nat(1000),
  end: fc.constantFrom('close' as const, 'reset' as const, 'silence' as const),
  changes: fc.array(fc.record({ at: fc.nat(1000), byte: fc.nat(255), isInserted: fc.boolean() }), { maxLength: 4 }),
});

function attacked(
  bytes: Buffer,
  { cut, changes }: { cut: number; changes: { at: number; byte: number; isInserted: boolean }[] },
): Buffer {
  let made = bytes;
  for (const { at, byte, isInserted } of changes) {
    const place = Math.floor((made.length * at) / 1000);
    made = Buffer.concat([made.subarray(0, place), Buffer.of(byte), made.subarray(place + (isInserted ? 0 : 1))]);
  }
  return made.subarray(0, Math.ceil((made.length * cut) / 1000));
}

describe('docs/examples/rtmp-relay, attacked', () => {
  const publishing = Buffer.concat([
    opening('publish', 'hostile'),
    ...range(0, 6).map((number) =>
      encodeMessage({ type: Video, timestamp: number, payload: pictureOf(number, number === 0, 300) }, 1),
    ),
  ]);
  const whole = { handshake: Buffer.concat([greeting(), publishing.subarray(0, 40)]), chunks: publishing };

  for (const [what, bytes] of Object.entries(whole)) {
    it(`ends the one connection whose ${what} are broken, and nothing else`, async () => {
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(attacks, async (attack) => {
          const { publish, play, connect, relay, errors, sleep, close } = await scene(attack.seed);
          const [publisher, player] = [await publish(), await play()];
          const playing = player.media();
          const hostile: Connection = await connect({ port: 1935 });
          if (what === 'chunks') await hostile.write(greeting());
          await pictures(publisher, 0, 4);
          await hostile.write(attacked(bytes, attack)).catch(() => undefined);
          await pictures(publisher, 4, 8);
          if (attack.end === 'close') await hostile.close();
          if (attack.end === 'reset') await hostile.reset();
          for (let waited = 0; relay.sessions.size > 2 && waited < 70_000; waited += 100) {
            await sleep(100);
            if (waited % 10_000 === 0) await pictures(publisher, 8, 9); // or he is silent himself
          }
          expect(relay.sessions.size, 'the hostile one is out').to.equal(2);
          await publisher.connection.closeWrite();
          const got = (await playing).map(({ payload }) => numberOf(payload));
          expect(got.filter((number) => number < 8)).to.deep.equal(range(0, 8));
          for (const error of errors) expect(error).to.match(/^(ProtocolError|NetworkError)/);
          refused += errors.length;
          await relay.stop();
          await close();
        }),
        { seed: 15, numRuns: 60 },
      );
      expect(refused).to.be.greaterThan(10);
    });
  }
});
