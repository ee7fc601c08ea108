/** Options are the caller's: not what somebody has put into Object.prototype. */
import { expect } from 'chai';
import type { ConnectOptions } from '../../src/index.ts';
import { CONNECT_OPTIONS, readOptions, readServerOptions } from '../../src/util/read-options.ts';

/** Runs something while Object.prototype has more properties than its own. */
function whilePolluted<Result>(properties: Record<string, unknown>, run: () => Result): Result {
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  Object.assign(prototype, properties);
  try {
    return run();
  } finally {
    for (const name of Object.keys(properties)) Reflect.deleteProperty(prototype, name);
  }
}

describe('options, when Object.prototype has been added to', () => {
  it('are not taken from there', () => {
    const read = whilePolluted({ timeout: 1, noDelay: true, acceptDepth: { min: 9 } }, () => {
      const { timeout, noDelay } = readOptions<ConnectOptions>({}, CONNECT_OPTIONS);
      const { acceptDepth } = readServerOptions({});
      return [timeout, noDelay, acceptDepth];
    });
    expect(read).to.deep.equal([undefined, undefined, undefined]);
  });

  it('are the caller’s own', () => {
    const read = whilePolluted(
      { timeout: 1 },
      () => readOptions<ConnectOptions>({ timeout: 5, noDelay: true }, CONNECT_OPTIONS).timeout,
    );
    expect(read).to.equal(5);
  });

  it('do not have to be what a property of another name would have to be', () => {
    const read = whilePolluted({ extend: () => undefined }, () =>
      readOptions<ConnectOptions>({ timeout: 5 }, CONNECT_OPTIONS),
    );
    expect({ ...read }).to.deep.equal({ timeout: 5 });
  });

  it('may come from a class or a record of defaults', () => {
    const read = readOptions<ConnectOptions>(Object.create({ timeout: 7 }) as object, CONNECT_OPTIONS);
    expect(read.timeout).to.equal(7);
  });
});
