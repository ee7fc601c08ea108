import { expect } from 'chai';
import { originOf } from '../../src/sockets/socket-record.ts';

describe('originOf', () => {
  it('is a text, whatever the program makes of its stack traces', () => {
    const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    Error.prepareStackTrace = (_error, places) => places;
    try {
      const { origin } = originOf({ origin: new Error('created here') });
      expect(origin).to.be.a('string');
    } finally {
      if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
      else Object.defineProperty(Error, 'prepareStackTrace', before);
    }
  });
});
