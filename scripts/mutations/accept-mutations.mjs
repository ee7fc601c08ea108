// Mutations of accepting: how many accepts are posted, how many connections a server takes, and how long it bears with them.

const acceptor = 'acceptor.ts';
const pool = 'accept-pool.ts';
const depth = 'accept-depth.ts';
const limits = 'accept-limits.ts';
const reuse = 'socket-reuse.ts';
const timeouts = 'socket-timeout.ts';

/** @type {import('./mutations.mjs').Mutation[]} */
export const acceptMutations = [
  {
    id: 'accepting: what a shared server still gets when it closes is reset without its context',
    file: acceptor,
    find: '    if (error === 0 && listener.socket !== INVALID_SOCKET) readyForReset(context, listener, operation);\n',
    replace: '',
  },
  {
    id: 'accepting: what a closed server has got is reset without its context',
    file: acceptor,
    find: '    if (context.operations.hasSucceeded(operation)) readyForReset(context, listener, operation);\n',
    replace: '',
  },
  {
    id: 'accepting: a closed server listens until its accepts have come back',
    file: 'listener-kind.ts',
    find: 'closesAtOnce: ({ isShared }: Listener) => !isShared,',
    replace: 'closesAtOnce: () => false,',
  },
  {
    id: 'accepting: a server that other processes have is closed before its accepts have come back',
    file: 'listener-kind.ts',
    find: 'closesAtOnce: ({ isShared }: Listener) => !isShared,',
    replace: 'closesAtOnce: () => true,',
  },
  {
    id: 'accepting: a connection that was closed before it was taken keeps its place',
    file: acceptor,
    find: '  while (connection?.closing === true) connection = accepted.shift();\n  fillPool(context, listener);\n',
    replace: '  while (connection?.closing === true) connection = accepted.shift();\n',
  },
  {
    id: 'accepting: the pool does not follow a burst',
    file: depth,
    find: 'if (this.#taken * GROW_AT >= this.#current)',
    replace: 'if (this.#taken * GROW_AT >= Infinity)',
  },
  {
    id: 'accepting: the pool grows beyond its bound',
    file: depth,
    find: 'Math.min(this.#current * 2, this.max)',
    replace: 'this.#current * 2',
  },
  {
    id: 'accepting: the pool shrinks below its bound',
    file: depth,
    find: 'Math.max(this.min, Math.floor(this.#current / 2))',
    replace: 'Math.floor(this.#current / 2)',
  },
  {
    id: 'accepting: a pool that was deep stays deep',
    file: pool,
    find: '  if (depth.isGrown && listener.shrinkTimer === null && !listener.closing) {',
    replace: '  if (depth.isGrown && listener.shrinkTimer === null && listener.closing) {',
  },
  {
    id: 'accepting: the surplus of a shrinking pool stays posted',
    file: pool,
    find: '  cancelPostedAccepts(context, listener, accepting.size + accepted.length - depth.current);\n',
    replace: '',
  },
  {
    id: 'accepting: spare sockets of a shrinking pool are kept',
    file: pool,
    find: '  discardSpares(context, listener, depth.current);\n',
    replace: '',
  },
  {
    id: 'accepting: more spare sockets than the pool is deep',
    file: reuse,
    find: 'if (spares === null || spares.size >= depth.current || !isUsable',
    replace: 'if (spares === null || depth.current < 0 || !isUsable',
  },
  {
    id: 'accepting: accepts take all operations',
    file: pool,
    find: '* ACCEPT_SHARE >= capacity) return false;',
    replace: '>= capacity) return false;',
  },
  {
    id: "accepting: 'close' lets everybody in",
    file: limits,
    find: "    if (this.#open >= maxConnections) return 'maxConnections';\n    return acceptRate",
    replace: '    return acceptRate',
  },
  {
    id: "accepting: 'close' knows no rate",
    file: limits,
    find: "return acceptRate !== Infinity && this.#refill(now) < 1 ? 'acceptRate' : null;",
    replace: 'return null;',
  },
  {
    id: 'accepting: a refused connection is let in as well',
    file: acceptor,
    find: '  if (isRefused(context, listener, address, countsFor, now)) return null;',
    replace: '  isRefused(context, listener, address, countsFor, now);',
  },
  {
    id: 'accepting: a stranger among the proxies is let in',
    file: 'proxy-settings.ts',
    find: "  return required ? 'refuse' : 'plain';",
    replace: "  return required && peer.address === '' ? 'refuse' : 'plain';",
  },
  {
    id: 'accepting: each piece of a PROXY header has a deadline of its own',
    file: 'read-header.ts',
    find: 'const left = Math.ceil(this.#until - this.#source.now());',
    replace: 'const left = this.#timeoutMs + 0 * this.#until;',
  },
  {
    id: 'accepting: a proxy counts for all of its clients',
    file: 'proxy-headers.ts',
    find: '  listener.limits.named(address);\n',
    replace: "  listener.limits.named('');\n",
  },
  {
    id: 'accepting: connections whose header is awaited outlive their server',
    file: acceptor,
    find: '  stopAwaitingHeaders(context, listener);\n',
    replace: '',
  },
  {
    id: 'accepting: as many headers are awaited as come',
    file: pool,
    find: '  if (unnamed.size > 0 && unnamed.size + posted >= MAX_PENDING_HEADERS) return false;\n',
    replace: '',
  },
  {
    id: 'accepting: an address is counted for ever',
    file: limits,
    find: '    if (left > 0) this.#byAddress.set(address, left);\n    else this.#byAddress.delete(address);',
    replace: '    if (left < 0) this.#byAddress.delete(address);',
  },
  {
    id: 'accepting: an address is forgotten with its first connection that leaves',
    file: limits,
    find: '    if (left > 0) this.#byAddress.set(address, left);\n    else this',
    replace: '    this',
  },
  {
    id: 'accepting: a connection costs nothing of the rate',
    file: limits,
    find: '    this.#open++;\n    this.#spend(now);',
    replace: '    this.#open++;',
  },
  {
    id: 'accepting: the rate saves up more than a second',
    file: limits,
    find: 'Math.min(acceptRate, this.#tokens + ((now - this.#refilledAt) * acceptRate) / 1000)',
    replace: 'this.#tokens + ((now - this.#refilledAt) * acceptRate) / 1000',
  },
  {
    id: 'accepting: the clock is looked at again before the timer is set',
    file: pool,
    find: 'awaitRoom(context, listener, now);',
    replace: 'awaitRoom(context, listener, context.platform.scheduler.now());',
  },
  {
    id: 'accepting: nobody comes back when the rate allows it again',
    file: pool,
    find: '  if (listener.posted === 0) awaitRoom(context, listener, now);',
    replace: '  void awaitRoom;',
  },
  {
    id: 'accepting: a pause leaves the accepts posted',
    file: acceptor,
    find: '  cancelPostedAccepts(context, listener, listener.accepting.size);',
    replace: '  void cancelPostedAccepts;',
  },
  {
    id: 'accepting: a paused server hands out connections',
    file: acceptor,
    find: '  if (listener.paused || listener.waiting.length === 0',
    replace: '  if (listener.waiting.length === 0',
  },
  {
    id: 'accepting: a paused server posts accepts',
    file: pool,
    find: '  if (listener.closing || listener.paused || listener.retryTimer !== null) return;',
    replace: '  if (listener.closing || listener.retryTimer !== null) return;',
  },
  {
    id: 'accepting: a server that goes on posts nothing',
    file: acceptor,
    find: '  listener.paused = false;\n  fillPool(context, listener);',
    replace: '  listener.paused = false;',
  },
  {
    id: 'accepting: a server that goes on forgets who waits',
    file: acceptor,
    find: '  for (let pairs = Math.min(listener.waiting.length, listener.accepted.length); pairs > 0; pairs--) {',
    replace: '  for (let pairs = 0; pairs > 0; pairs--) {',
  },
  {
    id: 'accepting: a pause is not told',
    file: acceptor,
    find: '  if (blocked !== null) notifyLimit(context, listener, blocked, false, address);',
    replace: '  void blocked;',
  },
  {
    id: 'a time limit that is early',
    file: timeouts,
    find: 'first.at <= now;',
    replace: 'first.at <= now + 1;',
  },
  {
    id: 'a time limit that a touch does not move',
    file: timeouts,
    find: '    entry.at = this.#scheduler.now() + this.#ms;',
    replace: '    if (entry.at === 0) entry.at = this.#scheduler.now() + this.#ms;',
  },
  {
    id: 'a time limit whose timer is not set again',
    file: timeouts,
    find: '      this.#arm(); // also after a callback threw',
    replace: '      void this.#arm;',
  },
  {
    id: 'a time limit that holds a timer for nobody',
    file: timeouts,
    find: '    if (this.#first === null) this.dispose();',
    replace: '',
  },
  {
    id: 'a time limit takes any number for a socket',
    file: timeouts,
    find: '      this.#pal.getQueuedBytes(socket);',
    replace: '',
  },
  {
    id: 'a header limit that closes in good order',
    file: timeouts,
    find: '(socket) => pal.resetSocket(socket)',
    replace: '(socket) => pal.closeSocket(socket)',
  },
];
