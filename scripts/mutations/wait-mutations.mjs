// What mutate.mjs breaks in what becomes of a loop whose wait has failed for good.

const lost = 'lost-port.ts';
const port = 'completion-source.ts';
const table = 'operation-table.ts';
const lifecycle = 'lifecycle.ts';

/** @type {import('./mutations.mjs').Mutation[]} */
export const waitMutations = [
  {
    id: 'a wait that failed: what it has cancelled is never looked at',
    file: lost,
    find: 'if (!operation.isInKernel || finishEnded(this.#parts, operation) || this.#looks < MAX_LOOKS) continue;',
    replace: 'if (!operation.isInKernel || this.#looks < MAX_LOOKS) continue;',
  },
  {
    id: 'a wait that failed: what is pending counts as over',
    file: lost,
    find: 'if (status === STATUS_PENDING) return false;',
    replace: '',
  },
  {
    id: 'a wait that failed: nothing is left behind',
    file: lost,
    find: 'this.#looks < MAX_LOOKS) continue;',
    replace: 'true) continue;',
  },
  {
    id: 'a wait that failed: memory that the kernel has is freed at the end',
    file: table,
    find: 'if (this.#lost > 0) return;',
    replace: '',
  },
  {
    id: 'a wait that failed: a handle of somebody else is closed',
    file: port,
    find: 'if (this.#handleIsGone || this.#lost?.hasLeftBehind === true) return this.port.releaseBatch();',
    replace: 'if (this.#lost?.hasLeftBehind === true) return this.port.releaseBatch();',
  },
  {
    id: 'a wait that failed: the flush is waited for',
    file: lifecycle,
    find: 'for (const record of context.sockets) abort(context, record);',
    replace: '',
  },
  {
    id: 'a wait that failed: nobody is told',
    file: lifecycle,
    find: 'if (this.#failure === null) running?.resolve();',
    replace: 'if (this.#failure !== undefined) running?.resolve();',
  },
  {
    id: 'a wait that failed: the next run fails too',
    file: lifecycle,
    find: '    this.#failure = null;\n',
    replace: '',
  },
];
