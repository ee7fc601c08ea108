// What mutate.mjs breaks in the async contexts of callbacks, and of the library's own work.

const context = 'async-context.ts';

/** @type {import('./mutations.mjs').Mutation[]} */
export const contextMutations = [
  {
    id: 'context: callbacks run in the context of the turn',
    file: context,
    find: 'this.runInAsyncScope(this.#callback, undefined, ...args);',
    replace: 'this.#callback(...args);',
  },
  {
    id: 'context: the end of a read or a write is not told',
    file: context,
    find: 'first, second);\n    } finally {\n      this.emitDestroy();',
    replace: 'first, second);\n    } finally {\n',
  },
  {
    id: 'context: the end of another call is not told',
    file: context,
    find: '...args);\n    } finally {\n      this.emitDestroy();',
    replace: '...args);\n    } finally {\n',
  },
  {
    id: 'context: what is told often runs in the context of the turn',
    file: context,
    find: 'resource.runInAsyncScope(call, undefined, ...args);',
    replace: 'call(...args);',
  },
  {
    id: 'context: what is told often shares one resource',
    file: context,
    find: '    new BoundCallback(CONTEXT_TYPES[type], callback).finish(...args);',
    replace: '    callback(...args);',
  },
  {
    id: 'context: a call that has ended is kept until others come by',
    file: 'pending-call.ts',
    find: 'this.#recent[-name & (RECENT - 1)] = null;\n    call.name = 0;',
    replace: '{}\n    call.name = 0;',
  },
  {
    id: 'context: promises of a run belong to its caller',
    file: 'lifecycle.ts',
    find: 'this.#running = inOwnContext(withResolvers);',
    replace: 'this.#running = withResolvers();',
  },
];
