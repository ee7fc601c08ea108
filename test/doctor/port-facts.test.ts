/** netsh speaks the language of the system: only its numbers count. */
import { expect } from 'chai';
import { parseDynamicPorts, parseExcludedPorts, portFacts } from '../../src/doctor/port-facts.ts';

const ENGLISH = `
Protocol tcp Dynamic Port Range
---------------------------------
Start Port      : 49152
Number of Ports : 16384

`;
const GERMAN = ENGLISH.replace('Start Port     ', 'Startport').replace('Number of Ports', 'Anzahl von Ports');
const EXCLUDED = `
Protocol tcp Port Exclusion Ranges

Start Port    End Port
----------    --------
        80          80
      5357        5357
     50000       50059     *

* - Administered port exclusions.

`;

describe('facts about ports', () => {
  it('reads the dynamic range in any language', () => {
    for (const text of [ENGLISH, GERMAN, GERMAN.replaceAll('\n', '\r\n')]) {
      expect(parseDynamicPorts(text)).to.equal('49152 to 65535, 16384 ports');
    }
  });

  it('reads the ranges that are set aside', () => {
    for (const text of [EXCLUDED, EXCLUDED.replaceAll('\n', '\r\n')]) {
      expect(parseExcludedPorts(text)).to.deep.equal(['80 to 80', '5357 to 5357', '50000 to 50059']);
    }
    expect(parseExcludedPorts(EXCLUDED.replace(/^ +\d.*\n/gm, ''))).to.deep.equal([]);
  });

  it('counts what is too long to show', () => {
    const rows = Array.from({ length: 20 }, (_, index) => `  ${1000 + index}  ${1000 + index}`).join('\n');
    const shown = parseExcludedPorts(`a  b\n----  ----\n${rows}\n`);
    expect(shown).to.have.length(13);
    expect(shown?.at(-1)).to.equal('and 8 more');
  });

  it('does without an answer', async () => {
    expect(await portFacts(() => Promise.resolve(''))).to.deep.equal({ 'TCP over IPv4': null, excluded: null });
  });
});
