// What mutate.mjs breaks in the parts that connect loops: the ring, the inbox, handover, spreading, sharing, accepts by event.

const ring = 'ring.ts';
const inbox = 'inbox.ts';
const handover = 'handover.ts';
const distributor = 'distributor.ts';
const sharing = 'sharing.ts';
const association = 'association.ts';
const calls = 'loop-calls.ts';

/** @type {import('./mutations.mjs').Mutation[]} */
export const loopMutations = [
  {
    id: 'loops: commit a record before it is written',
    file: ring,
    find: `      try {
        this.#write(cell, kind, subject, payload, length);`,
    replace: `      Atomics.store(commits, cell, 1);
      try {
        this.#write(cell, kind, subject, payload, length);`,
  },
  {
    id: 'loops: never wake a loop that sleeps',
    file: ring,
    find: `}
      if (Atomics.exchange(words, SIGNAL, AWAKE) === ASLEEP) this.#callWake();`,
    replace: `}`,
  },
  {
    id: 'loops: wake a loop for every record',
    file: ring,
    find: `}
      if (Atomics.exchange(words, SIGNAL, AWAKE) === ASLEEP) this.#callWake();`,
    replace: `}
      this.#callWake();`,
  },
  {
    id: 'loops: claim cells that are not free',
    file: ring,
    find: 'if (used + count > cells) return FULL;',
    replace: '',
  },
  {
    id: 'loops: claim in a closed ring',
    file: ring,
    find: 'if ((tail & CLOSED) !== 0) return IS_CLOSED;',
    replace: '',
  },
  {
    id: 'loops: sleep without a second look',
    file: ring,
    find: 'if (Atomics.load(commits, this.#head & (cells - 1)) === 0) return true;',
    replace: 'if (cells > 0) return true;',
  },
  {
    id: 'loops: free fewer cells than a record had',
    file: ring,
    find: 'this.#head = (this.#head + cellsFor(length)) & POSITION_MASK;',
    replace: 'this.#head = (this.#head + 1) & POSITION_MASK;',
  },
  {
    id: 'loops: take a record twice',
    file: ring,
    find: 'if (Atomics.compareExchange(commits, cell, 1, 0) === 0) return false;',
    replace: 'if (Atomics.load(commits, cell) === 0) return false;',
  },
  {
    id: 'loops: a full queue leaves a consumer asleep whose wake had failed',
    file: ring,
    find: 'if (position === FULL) this.#wakeForFull();',
    replace: 'void this.#wakeForFull;',
  },
  {
    id: 'loops: a wake that failed counts as one',
    file: ring,
    find: 'if (!woken) Atomics.store(this.#views.words, SIGNAL, ASLEEP);',
    replace: 'if (!woken) return;',
  },
  {
    id: 'loops: finished while a producer is inside',
    file: ring,
    find: '&& Atomics.load(words, INSIDE) === 0 ',
    replace: '',
  },
  {
    id: 'loops: forget what a round has left',
    file: inbox,
    find: 'if (!asleep) this.#parts.loop.enqueue(this.#drain);',
    replace: '',
  },
  {
    id: 'loops: leave what is behind a record that was never finished',
    file: inbox,
    find: 'while (this.#ring.drainCommitted()) this.#carryOut(this.#ring.record);',
    replace: '',
  },
  {
    id: 'loops: ask the ring again whether it is finished',
    file: inbox,
    find: 'return this.#finished;',
    replace: 'return this.#ring.isFinished;',
  },
  {
    id: 'loops: close sockets before what was submitted is carried out',
    file: inbox,
    find: `while (this.#ring.take()) this.#carryOut(this.#ring.record);
    this.#awaitProducers();`,
    replace: 'this.#awaitProducers();',
  },
  {
    id: 'loops: a post inside the call that stops the loop',
    file: inbox,
    find: 'this.#parts.loop.enqueue(() => callback(message));',
    replace: 'callback(message);',
  },
  {
    id: 'loops: a token is good for ever',
    file: handover,
    find: 'return Atomics.compareExchange(taken, TAKEN, 0, 1) === 0;',
    replace: 'return Atomics.compareExchange(taken, TAKEN, 0, 1) >= 0;',
  },
  {
    id: 'loops: keep what nobody has received',
    file: handover,
    find: 'if (take(token) && isConnection(context, token)) abortSocket(context, token.socket);',
    replace: 'take(token);',
  },
  {
    id: 'loops: what a token says of its SOCKET is believed',
    file: handover,
    find: `    requireConnection(context, token, { call: 'receiveTransfer', from: 'transfer()' });`,
    replace: '    void requireConnection;',
  },
  {
    id: "loops: a SOCKET that is not the token's any more is reset by the stop",
    file: handover,
    find: 'if (take(token) && isConnection(context, token)) abortSocket(context, token.socket);',
    replace: 'if (take(token) || isConnection(context, token)) abortSocket(context, token.socket);',
  },
  {
    id: 'loops: a connection that has gone counts still',
    file: handover,
    find: `  connection.kind.gone(context, connection);
  return socket;`,
    replace: '  return socket;',
  },
  {
    id: 'loops: transfer what is tied to a port',
    file: association,
    find: 'if (!record.associated) return;',
    replace: 'if (record.handle > 0) return;',
  },
  {
    id: 'loops: a server that has no functions yet counts as associated',
    file: 'server-association.ts',
    find: `  try {
    context.transport.prepareListener(listener, listener.spares !== null);`,
    replace: `  listener.associated = true;
  try {
    context.transport.prepareListener(listener, listener.spares !== null);`,
  },
  {
    id: 'loops: hand over without counting',
    file: distributor,
    find: 'loop.addLoad(1);',
    replace: '',
  },
  {
    id: 'loops: hand a connection to a loop that has stopped',
    file: distributor,
    find: '=== Submitted.Done;',
    replace: '>= Submitted.Done;',
  },
  {
    id: 'loops: forget a loop that could not be woken',
    file: distributor,
    find: `this.#wakeLater(loop, error);
      return true;`,
    replace: 'return error !== null;',
  },
  {
    id: 'loops: keep a connection that was exported',
    file: sharing,
    find: 'discardSocket(context, release(context, connection));',
    replace: 'release(context, connection);',
  },
  {
    id: 'loops: receive a connection behind a stop',
    file: calls,
    find: 'if (stopping) throw tooLate();',
    replace: '',
  },
  {
    id: 'loops: lose the signal of an accept to the next one',
    file: 'overlapped-transport.ts',
    find: 'if (byEvent) eventAccepts.settle();',
    replace: '',
  },
  {
    id: 'loops: ask for packets on a port of another process',
    file: 'overlapped-transport.ts',
    find: 'if (byEvent) eventAccepts.prepare(operation);',
    replace: '',
  },
  {
    id: 'loops: let the thread of the event in while it ends',
    file: 'event-accepts.ts',
    find: `    this.#waiter = null;
    await waiter.stop();`,
    replace: `    await waiter.stop();
    this.#waiter = null;`,
  },
  {
    id: 'loops: let a waiter wait that must end',
    file: 'wait-permit.ts',
    find: 'Atomics.compareExchange(control, PERMIT, WITHHELD, GRANTED);\n  Atomics.notify',
    replace: 'Atomics.store(control, PERMIT, GRANTED);\n  Atomics.notify',
  },
  {
    id: 'loops: post accepts before there is a port',
    file: 'accept-pool.ts',
    find: 'if (!listener.associated) return;',
    replace: '',
  },
  {
    id: 'a cancel that found nothing is never repeated',
    file: 'repeated-cancels.ts',
    find: 'this.#missed.set(record, 0);',
    replace: 'this.#missed.delete(record);',
  },
  {
    id: 'a cancel that says that it has found something is never repeated',
    file: 'repeated-cancels.ts',
    find: '    this.#cancel(record, address);\n    if (!this.#missed',
    replace:
      '    if (this.#parts.platform.kernel32.CancelIoEx(record.socket, address) !== 0) return;\n    if (!this.#missed',
  },
  {
    id: 'a socket whose operations no cancel ends is never closed',
    file: 'repeated-cancels.ts',
    find: 'this.#parts.onUncancellable(record);',
    replace: '',
  },
];
