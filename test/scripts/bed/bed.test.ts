/** What beds are made of, where it can be asked without making one. */
import { expect } from 'chai';
import { mirrorIn } from '../../../scripts/bed/bed-host.mjs';
import { whyNotOnThisWine } from '../../../scripts/windows/windows-nodes.mjs';

describe('beds', () => {
  it('take Debian from where this machine has its own', () => {
    const list = [
      'Debian oldstable-updates bookworm-updates http://mirror.invalid/updates/',
      'Somebody stable bookworm http://else.invalid/',
      'Debian oldstable bookworm http://mirror.invalid/debian/',
      'Debian oldstable-security bookworm-security http://mirror.invalid/security/',
    ].join('\n');
    expect(mirrorIn(list)).to.equal('http://mirror.invalid/debian/');
  });

  it('leave the choice to debootstrap on another system', () => {
    expect(mirrorIn('Ubuntu noble noble http://mirror.invalid/ubuntu/')).to.equal(undefined);
    expect(mirrorIn('')).to.equal(undefined);
  });

  it('say which Node.js does not start on this Wine, and where it does', () => {
    expect(whyNotOnThisWine('24', 8)).to.include('npm run bed -- trixie --node=24');
    expect(whyNotOnThisWine('26', 10)).to.equal(undefined);
    expect(whyNotOnThisWine('22', 8)).to.equal(undefined);
    expect(() => whyNotOnThisWine('19', 8)).to.throw('there is 20, 22, 24, 26');
  });
});
