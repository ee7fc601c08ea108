import { expect } from 'chai';
import { requireStack } from '../../src/util/stack-room.ts';

const nothing = (): void => undefined;
/** Lists whose values take so many bytes of stack when they are passed to a function. */
const BYTES = Array.from({ length: 32 }, (_, index) => (index + 1) * 512);
const lists = BYTES.map((bytes) => new Array<number>(bytes / 8).fill(0));

/** Bytes of stack that are left, but for half a kibibyte. */
function bytesLeft(): number {
  let left = 0;
  try {
    for (const [index, list] of lists.entries()) {
      Reflect.apply(nothing, undefined, list);
      left = BYTES[index] ?? 0;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return left;
}

/** On the way up from the end of the stack: what is left where requireStack passes for the first time. */
function firstPass(): number {
  let found = 0;
  const down = (): void => {
    try {
      down();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const left = bytesLeft();
      requireStack();
      found = left;
    }
  };
  down();
  return found;
}

describe('requireStack', () => {
  it('passes where there are about 8 KiB of stack left, and throws where there are fewer', () => {
    bytesLeft();
    firstPass(); // compiles what it calls, which takes stack too
    expect(firstPass()).to.be.within(7 * 1024, 10 * 1024);
  });

  it('asks for as much when V8 has optimised it', () => {
    for (let count = 0; count < 1_000_000; count++) requireStack();
    expect(firstPass()).to.be.within(7 * 1024, 10 * 1024);
  });
});
