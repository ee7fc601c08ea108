// What mutate.mjs breaks in sends that wait for their turn.

const loop = 'event-loop.ts';
const deferred = 'deferred-send.ts';
const writer = 'writer.ts';
const kind = 'connection-kind.ts';

/** @type {import('./mutations.mjs').Mutation[]} */
export const deferredMutations = [
  {
    id: 'deferred: any number of connections may be sent on at once',
    file: loop,
    find: 'if (this.#sends >= SENDS_AT_ONCE && this.#active) return false;',
    replace: '',
  },
  {
    id: 'deferred: a turn makes all sends that wait',
    file: loop,
    find: 'Math.min(this.#deferred.length, SENDS_AT_ONCE)',
    replace: 'this.#deferred.length',
  },
  {
    id: 'deferred: a loop in whose line somebody stands is idle',
    file: loop,
    find: 'this.#ready.length + this.#later.length + this.#deferred.length > 0',
    replace: 'this.#ready.length + this.#later.length > 0',
  },
  {
    id: 'deferred: what waits for its turn is dropped by a close without a grace',
    file: kind,
    find: `    if (!connection.resetting) sendBeforeDrop(context, connection);
    dropWrites`,
    replace: `    dropWrites`,
  },
  {
    id: 'deferred: what waits for its turn is not sent at the end of the thread',
    file: deferred,
    find: 'if (operation.kind === OperationKind.Send) sendBeforeDrop',
    replace: 'if (operation.kind === OperationKind.None) sendBeforeDrop',
  },
  {
    id: 'deferred: who has more to send does not stand in line again',
    file: writer,
    find: 'if (wasDeferred && bytes > 0 && bytes === requested) defer(context, connection, operation);',
    replace: 'if (bytes < 0) defer(context, connection, operation);',
  },
];
