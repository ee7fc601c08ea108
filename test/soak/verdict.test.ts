/** Which soaks pass, and what is said of those that do not. */
import { expect } from 'chai';
import { FEWEST_SAMPLES } from './growth.ts';
import type { Sample, SoakResult } from './samples.ts';
import { judge, report } from './verdict.ts';

const MIB = 2 ** 20;

function sample(index: number, changes: Partial<Sample> = {}): Sample {
  return {
    at: index * 5,
    when: 'rest',
    handles: 300,
    slots: 32,
    sockets: 1,
    pendingCallbacks: 4,
    queuedBytes: 0,
    pinnedBytes: 20_480,
    reservedBytes: 20 * MIB,
    heapBytes: 8 * MIB,
    externalBytes: 3 * MIB,
    rssBytes: 90 * MIB,
    sessions: index * 100,
    ...changes,
  };
}

function soak(changes: Partial<SoakResult> = {}, each: (index: number) => Partial<Sample> = () => ({})): SoakResult {
  const samples = Array.from({ length: 40 }, (_, index) => sample(index, each(index)));
  // Under way everything is higher, and is not judged.
  const busy = samples.map((one, index) => ({ ...one, when: 'busy' as const, sockets: 20 + index * 10 }));
  return {
    node: 'v22',
    seed: 1,
    seconds: 200,
    samples: [...samples, ...busy],
    outcomes: { echo: { done: 90, broken: 3 }, churn: { done: 20, broken: 0 } },
    injected: { WSASend: 2, 'WSARecv cancelled': 4 },
    bytesVerified: 1e6,
    failures: [],
    ...changes,
  };
}

describe('the verdict on a soak', () => {
  it('passes one that stays level', () => {
    const judgement = judge(soak());
    expect(judgement.reasons).to.deep.equal([]);
    expect(judgement).to.include({ passed: true, sessions: 113, broken: 3, injected: 6 });
    expect(report(soak(), judgement)).to.include('OK: nothing grew');
  });

  const grown: Record<string, (index: number) => Partial<Sample>> = {
    'handles at rest grew by 29': (index) => ({ handles: 300 + index }),
    'operation slots in use at rest grew by 29': (index) => ({ slots: 32 + index }),
    'sockets at rest grew by 29': (index) => ({ sockets: 1 + index }),
    'pinned at rest grew by 116.00 KiB': (index) => ({ pinnedBytes: 20_480 + index * 4096 }),
    'heap at rest grew by 2.90 MiB': (index) => ({ heapBytes: 8 * MIB + index * 0.1 * MIB }),
    'RSS at rest grew by 58.00 MiB': (index) => ({ rssBytes: 90 * MIB + index * 2 * MIB }),
  };
  for (const [reason, each] of Object.entries(grown)) {
    it(`fails when ${reason}`, () => {
      const judgement = judge(soak({}, each));
      expect(judgement.passed).to.equal(false);
      expect(judgement.reasons).to.have.lengthOf(1);
      expect(judgement.reasons[0]).to.include(reason);
      expect(report(soak({}, each), judgement))
        .to.include('GREW')
        .and.to.include(`FAILED: ${reason}`);
    });
  }

  it('fails when something happened that must not', () => {
    expect(judge(soak({ failures: ['echo: Byte 7 of stream 5 is 1'] })).reasons).to.deep.equal([
      'echo: Byte 7 of stream 5 is 1',
    ]);
  });

  it('fails when more sessions broke than failures were injected', () => {
    expect(judge(soak({ injected: { WSASend: 2 } })).reasons).to.deep.equal([
      '3 sessions broke, and only 2 failures were injected',
    ]);
  });

  it('fails when a kind of session never went well, or there was none', () => {
    const outcomes = { echo: { done: 5, broken: 0 }, churn: { done: 0, broken: 2 } };
    expect(judge(soak({ outcomes })).reasons).to.deep.equal(["No session of the kind 'churn' ever went well"]);
    expect(judge(soak({ outcomes: {} })).reasons).to.deep.equal(['No session was held']);
  });

  it('judges no growth in a handful of rounds, and says so', () => {
    const short = soak({ samples: Array.from({ length: FEWEST_SAMPLES - 1 }, (_, index) => sample(index)) });
    const judgement = judge(short);
    expect(judgement.passed).to.equal(true);
    expect(report(short, judgement)).to.include('too short to judge growth').and.to.not.include('nothing grew');
  });
});
