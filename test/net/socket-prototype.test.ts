/** Programs that look at everything (inspectors, mocks) ask the getters of the prototype as well. */
import { expect } from 'chai';
import { inspect } from 'node:util';
import { onEveryNet } from './support/net-beds.ts';

onEveryNet('net, the prototype of Socket', ({ net }) => {
  const { prototype } = net.Socket;

  for (const [name, value] of Object.entries({
    bytesWritten: undefined,
    bufferSize: undefined,
    remoteAddress: undefined,
    remotePort: undefined,
    remoteFamily: undefined,
    localAddress: undefined,
    localPort: undefined,
    localFamily: undefined,
    readyState: 'closed',
    pending: true,
  })) {
    it(`has a ${name} that can be asked: ${String(value)}`, () => {
      expect(Reflect.get(prototype, name)).to.equal(value);
    });
  }

  it('can be inspected with its getters', () => {
    expect(inspect(prototype, { getters: true })).to.be.a('string');
  });

  it('has no native handle, and neither has a socket that is not connected', () => {
    expect(Reflect.get(new net.Socket(), '_handle')).to.equal(null);
  });
});
