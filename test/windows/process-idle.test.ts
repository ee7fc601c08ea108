import process from 'node:process';
import { expect } from 'chai';
import { onProcessIdle } from '../../src/windows/process-idle.ts';

describe('onProcessIdle', () => {
  const listeners = (): number => process.listenerCount('beforeExit');

  it('has one listener however many listen, and none when nobody does', () => {
    const before = listeners();
    const undo = Array.from({ length: 100 }, () => onProcessIdle(() => undefined));
    expect(listeners()).to.equal(before + 1);
    for (const stop of undo) {
      expect(listeners()).to.equal(before + 1);
      stop();
      stop();
    }
    expect(listeners()).to.equal(before);
  });

  it('calls every listener, each time, in the order of their coming', () => {
    const log: string[] = [];
    const tell = (): boolean => process.emit('beforeExit', 0);
    const same = (): number => log.push('same');
    const undo = [
      onProcessIdle(() => log.push('first')),
      onProcessIdle(same),
      onProcessIdle(same),
      onProcessIdle(() => log.push('last')),
    ];
    tell();
    undo[1]?.();
    tell();
    for (const stop of undo) stop();
    tell();
    expect(log).to.deep.equal(['first', 'same', 'same', 'last', 'first', 'same', 'last']);
  });

  it('lets listeners add and remove listeners', () => {
    const log: string[] = [];
    const undo: (() => void)[] = [];
    undo.push(
      onProcessIdle(() => {
        log.push('first');
        undo[0]?.();
        undo.push(onProcessIdle(() => log.push('new')));
      }),
    );
    process.emit('beforeExit', 0);
    process.emit('beforeExit', 0);
    for (const stop of undo) stop();
    expect(log).to.deep.equal(['first', 'new']);
  });
});
