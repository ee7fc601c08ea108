/** A process with a server on completion ports says on Ctrl+Break what it has open, and ends by itself nevertheless. */
import { expect } from 'chai';
import { runChild } from '../support/child.ts';

describe('Ctrl+Break in a process with a server', () => {
  it('prints every PAL of the thread, and keeps nothing alive', async () => {
    const { code, stderr } = await runChild('describe-on-signal');
    expect(code).to.equal(0);
    const paragraphs = stderr.split(/^PAL /m);
    expect(paragraphs[0]).to.match(/^iocp-pal has open:\s+$/);
    expect(paragraphs.slice(1)).to.have.lengthOf(2);
    expect(paragraphs[1]).to.match(/^0: 1 sockets, \d+ operations, 0 callbacks owed, running\s/);
    expect(paragraphs[2]).to.match(/^1: 1 sockets, \d+ operations, 0 callbacks owed, ready\s/);
  });
});
