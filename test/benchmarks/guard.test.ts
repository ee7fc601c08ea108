import { expect } from 'chai';
import { baselineOf, boundsOf, judge, type Run } from '../../benchmarks/guard/bounds.ts';
import { instructionsIn } from '../../benchmarks/guard/own-code.ts';
import { CELLS } from '../../benchmarks/guard/questions.ts';
import { SCENARIOS } from '../../benchmarks/scenarios/index.ts';

const BED = 'Windows, Node 22';

function runs(...ratios: number[]): Run[] {
  return ratios.map((ratio) => ({ date: '2026-01-01', commit: 'a', bed: BED, ratios: { echo: ratio } }));
}

describe('the guard against getting slower', () => {
  it('calls slower what is three standard deviations below the baseline', () => {
    const bounds = boundsOf(runs(1.2, 1.4, 1.3), 'echo');
    expect(bounds?.middle).to.be.closeTo(1.3, 1e-9);
    expect(bounds?.low).to.be.closeTo(1, 1e-9);
    expect([0.99, 1.01, 1.59, 1.61].map((ratio) => judge(ratio, bounds))).to.deep.equal([
      'slower',
      'as before',
      'as before',
      'faster',
    ]);
  });

  it('allows 8 % where the runs of the baseline hardly differ', () => {
    const bounds = boundsOf(runs(1, 1, 1), 'echo');
    expect([0.93, 0.91].map((ratio) => judge(ratio, bounds))).to.deep.equal(['as before', 'slower']);
  });

  it('judges nothing that the baseline does not have', () => {
    expect(judge(0.1, boundsOf(runs(1), 'udp'))).to.equal('new');
  });

  it('compares a run with those of its own bed and of the commit that is the baseline there', () => {
    const kept = [
      { date: '1', commit: 'old', bed: BED, ratios: {} },
      { date: '2', commit: 'base', bed: BED, ratios: {} },
      { date: '3', commit: 'base', bed: 'another', ratios: {} },
      { date: '4', commit: 'base', bed: BED, ratios: {} },
    ];
    const found = baselineOf({ baselines: { [BED]: 'base' }, runs: kept }, BED);
    expect(found.map(({ date }) => date)).to.deep.equal(['2', '4']);
    expect(baselineOf({ baselines: {}, runs: kept }, BED)).to.deep.equal([]);
  });

  it('reads what perf counts, and nothing where it cannot count', () => {
    expect(instructionsIn('noise\n123456,,instructions:u,1000,100.00,,\n')).to.equal(123_456);
    expect(instructionsIn('<not supported>,,instructions:u,0,100.00,,\n')).to.be.NaN;
    expect(instructionsIn('')).to.be.NaN;
  });

  it('asks scenarios that there are', () => {
    for (const { scenario } of CELLS) expect(SCENARIOS).to.have.property(scenario);
  });
});
