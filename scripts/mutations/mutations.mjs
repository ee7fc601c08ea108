// What mutate.mjs breaks in the library, one at a time: { id, file, find, replace }. `file` is a name without a folder, and `find`
// occurs exactly once in the files of src/ that have this name.
// `survives`: why no test can notice, for those that change nothing a user or a kernel can see. `udp`: only the tests of
// datagrams are asked, since the random programs use TCP alone.

import { acceptMutations } from './accept-mutations.mjs';
import { contextMutations } from './context-mutations.mjs';
import { deferredMutations } from './deferred-mutations.mjs';
import { loopMutations } from './loop-mutations.mjs';
import { waitMutations } from './wait-mutations.mjs';

/** @typedef {{ id: string, file: string, find: string, replace: string, survives?: string, udp?: true }} Mutation */

const transport = 'overlapped-transport.ts';
const port = 'completion-source.ts';
const table = 'operation-table.ts';
const reader = 'reader.ts';
const writer = 'writer.ts';
const closer = 'closer.ts';
const files = 'file-sender.ts';
const writeQueue = 'write-queue.ts';
const cancellation = 'write-cancellation.ts';
const acceptor = 'acceptor.ts';
const connector = 'connector.ts';
const pool = 'accept-pool.ts';
const loop = 'event-loop.ts';
const eyeballs = 'happy-eyeballs.ts';
const names = 'name-connector.ts';
const record = 'socket-record.ts';
const watch = 'connection-watch.ts';
const connectionKind = 'connection-kind.ts';
const datagramKind = 'datagram-kind.ts';
const receiver = 'datagram-receiver.ts';
const delivery = 'datagram-delivery.ts';
const bursts = 'datagram-bursts.ts';
const receives = 'receive-pool.ts';
const sender = 'datagram-sender.ts';
const queue = 'linked-queue.ts';

/** The newest request comes second, before those that have waited longer. @param {string} requests */
const overtake = (requests) =>
  `  const waiting = [...${requests}].slice(1);
  for (const each of waiting) ${requests}.remove(each);
  ${requests}.push(request);
  for (const each of waiting) ${requests}.push(each);`;

/** @type {Mutation[]} */
const datagramMutations = [
  {
    id: 'one receive is posted, whatever receiveDepth says',
    file: receives,
    find: 'while (socket.receiving.size < socket.settings.depth) {',
    replace: 'while (socket.receiving.size < 1) {',
  },
  {
    id: 'one receive more than receiveDepth is posted',
    file: receives,
    find: 'while (socket.receiving.size < socket.settings.depth) {',
    replace: 'while (socket.receiving.size <= socket.settings.depth) {',
  },
  {
    id: 'a receive that has come back is not posted again',
    file: receiver,
    find: 'if (request === null || !mayReceiveOn(context, socket)) repost(context, socket, operation);',
    replace: 'if (request === null || !mayReceiveOn(context, socket)) release(context, socket, operation);',
  },
  {
    id: 'receives are handled as their packets come',
    file: receiver,
    find: '  operation.held = true;\n  handleInOrder(context, socket);',
    replace: '  socket.posted.shift();\n  handle(context, socket, operation);',
  },
  {
    id: 'what waits behind a callback that throws is forgotten',
    file: receiver,
    find: 'if (!finished) handleRestSoon(context, socket);',
    replace: 'if (!finished && socket.closing) handleRestSoon(context, socket);',
  },
  {
    id: 'a datagram that the system has cut is an error',
    file: receiver,
    find: '  const { error } = operation;\n  if (error === 0 || error === WSAEMSGSIZE) {',
    replace: '  const { error } = operation;\n  if (error === 0) {',
  },
  {
    id: 'a datagram that the system has cut looks whole',
    file: delivery,
    find: 'const size = cut ? Infinity : bytes;',
    replace: 'const size = bytes;',
  },
  {
    id: 'a cut datagram ends with its call, and again with its packet',
    file: transport,
    find: '    if (outcome === WSAEMSGSIZE && operation.kind === OperationKind.ReceiveFrom) return;\n',
    replace: '    void [WSAEMSGSIZE, OperationKind];\n',
  },
  {
    id: 'a datagram that is longer than the buffer is not counted as truncated',
    file: delivery,
    find: '    if (size > count) counters.datagramsTruncated++;',
    replace: '',
  },
  {
    id: 'an unreachable peer ends a receive for good',
    file: receiver,
    find: '    repost(context, socket, operation);\n    if (socket.settings.reportUnreachable)',
    replace: '    release(context, socket, operation);\n    if (socket.settings.reportUnreachable)',
  },
  {
    id: 'an unreachable peer is told to whoever receives',
    file: receiver,
    find: '    repost(context, socket, operation);\n    if (socket.settings.reportUnreachable) reportUnreachable(context, socket, error);',
    replace: '    repost(context, socket, operation);\n    reportUnreachable(context, socket, error);',
  },
  {
    id: 'a report of an unreachable peer that nobody waits for is lost',
    file: delivery,
    find: 'if (request === null) socket.report = error;',
    replace: 'if (request === null) socket.report = 0;',
  },
  {
    id: 'a burst has no end to what it takes in one turn',
    file: bursts,
    find: 'while (received < most && socket.receivingOn === operation) {',
    replace: 'while (socket.receivingOn === operation) {',
  },
  {
    id: 'a socket that is closed in a burst goes on',
    file: receiver,
    find: '  socket.receivingOn = null;\n  if (receivingOn !== null) release(context, socket, receivingOn);',
    replace: '  if (receivingOn !== null) release(context, socket, receivingOn);',
  },
  {
    id: 'no receive is posted behind a burst',
    file: bursts,
    find: '  socket.receivingOn = null;\n  repost(context, socket, operation);',
    replace: '  socket.misses = 0;',
  },
  {
    id: 'a callback that throws ends a burst',
    file: bursts,
    find: '    if (socket.receivingOn === operation) goOn(context, socket, operation, over);',
    replace: '    if (over && socket.receivingOn === operation) goOn(context, socket, operation, over);',
  },
  {
    id: 'a receive that answers at once is made beside one that is posted',
    file: bursts,
    find: 'return socket.settings.depth === 1 && becomeNonBlocking',
    replace: 'return becomeNonBlocking',
  },
  {
    id: 'a datagram that a call at once has cut is an error',
    file: bursts,
    find: '  return error === 0 || error === WSAEMSGSIZE;',
    replace: '  return error === 0;',
  },
  {
    id: 'a call at once tells an unreachable peer to whoever receives',
    file: bursts,
    find: '    context.counters.unreachableReports++;\n    if (socket.settings.reportUnreachable)',
    replace: '    context.counters.unreachableReports++;\n    if (error !== 0)',
  },
  {
    id: 'a batch has one datagram',
    file: bursts,
    find: '(batch.count === 0 || looksForMore(socket))',
    replace: 'batch.count === 0',
  },
  {
    id: 'the datagrams of a batch lie upon one another',
    file: 'datagram-batch.ts',
    find: '    this.#end = (this.#end + bytes + ALIGNMENT - 1) & -ALIGNMENT;',
    replace: '    this.#end = (bytes + ALIGNMENT - 1) & -ALIGNMENT;',
  },
  {
    id: 'the memory of a batch stays in use',
    file: delivery,
    find: '  if (block !== null) blocks.give(block);',
    replace: '  void [block, blocks];',
  },
  {
    id: 'a failure behind the datagrams of a batch is told to nobody',
    file: bursts,
    find: 'if (socket.settings.reportUnreachable || !isUnreachable(error)) socket.report = error;',
    replace: 'if (socket.settings.reportUnreachable) socket.report = error;',
  },
  {
    id: 'a send is tried at once beside one that the system has',
    file: sender,
    find: ' || socket.sendsWithSystem > 0 ||',
    replace: ' ||',
  },
  {
    id: 'a send for which there is no room has failed',
    file: sender,
    find: '  if (error === WSAEWOULDBLOCK) return false;',
    replace: '',
  },
  {
    id: 'a send fails with the report about an earlier one',
    file: sender,
    find: 'if (!socket.settings.reportUnreachable && request.attempts < MAX_ATTEMPTS) {',
    replace: 'if (!socket.settings.reportUnreachable && request.attempts < 0) {',
  },
  {
    id: 'a socket that was set free still has its peer',
    file: 'datagram-setup.ts',
    find: '  const { peer } = socket;\n  socket.peer = null;',
    replace: '  const { peer } = socket;',
  },
  {
    id: 'a connected socket names a destination all the same',
    file: 'socket-addresses.ts',
    find: '  if (destination === null) return 0;',
    replace: '  if (destination === null) return 16;',
  },
  {
    id: 'every datagram goes where the first one went',
    file: 'socket-addresses.ts',
    find: 'if (last !== null && last.port === port && last.address === address) return last;',
    replace: 'if (last !== null) return last;',
  },
  {
    id: 'a destination is taken for another one in its place',
    file: 'socket-addresses.ts',
    find: '      if (known.port !== port || known.address !== address) continue;\n',
    replace: '',
  },
  {
    id: 'a peer is taken for another one with the same address',
    file: 'socket-addresses.ts',
    find: 'if (this.#matches(place, words, start, length)) return known;',
    replace: 'return known;',
  },
  {
    id: 'a request that leaves its queue is still the last there',
    file: queue,
    find: '    if (next === null) this.#last = previous;',
    replace: '    if (next === null) this.#last = item;',
  },
  {
    id: 'a cancelled receive takes a datagram with it',
    file: delivery,
    find: '  const { callback, batchCallback } = request;\n  context.datagrams.giveReceive(request);\n',
    replace:
      '  const { callback, batchCallback } = request;\n  context.datagrams.giveReceive(request);\n  const lost = socket.arrivals.shift();\n  if (lost) forget(context, socket, lost);\n',
  },
  {
    id: 'a request that leaves its queue is where the next one stops',
    file: queue,
    find: '    else next.previous = previous;',
    replace: '    else next.previous = item;',
  },
  {
    id: 'a send that is cancelled in the kernel gets the system’s word for it',
    file: sender,
    find: '    request.cancellation = error;\n',
    replace: '',
  },
  {
    id: 'a cancel wins over a send that has succeeded',
    file: sender,
    find: '  if (error === 0) return null;\n  if (request.cancellation',
    replace: '  if (error === 0 && request.cancellation === null) return null;\n  if (request.cancellation',
  },
  {
    id: 'waiting sends overtake one another',
    file: sender,
    find: '    socket.sends.push(request);',
    replace: overtake('socket.sends'),
  },
  {
    id: 'no end to the sends that the kernel holds',
    file: sender,
    find: 'socket.sends.length === 0 && socket.sending.length < SEND_DEPTH;',
    replace: 'socket.sends.length === 0;',
  },
  {
    id: 'what waits is not sent when a send comes back',
    file: sender,
    find: '  const next = socket.sends.shift();',
    replace: '  const next = socket.closing ? socket.sends.shift() : null;',
  },
  {
    id: 'a buffer that is gone is sent as it lies',
    file: sender,
    find: '    if (there !== total) {',
    replace: '    if (there > total) {',
  },
  {
    id: 'the block of a datagram that was sent stays in use',
    file: sender,
    find: '  context.operations.giveBuffers(operation);',
    replace: '  operation.block = null;',
  },
  {
    id: 'the block of an operation stays in use',
    file: table,
    find: '    this.giveBuffers(operation);\n    if (operation.owner',
    replace: '    if (operation.owner',
  },
  {
    id: 'the block of a datagram that was kept stays in use',
    file: delivery,
    find: '  if (block !== null) context.blocks.give(block);\n}',
    replace: '}',
  },
  {
    id: 'datagrams that were taken still fill the queue',
    file: delivery,
    find: '  socket.arrivedBytes -= block?.size ?? SMALLEST_BLOCK;',
    replace: '',
  },
  {
    id: 'no limit to the datagrams that nobody asks for',
    file: delivery,
    find: 'while (socket.arrivedBytes + bytes > maxQueuedBytes) {',
    replace: 'while (socket.arrivedBytes + bytes > Infinity) {',
  },
  {
    id: 'a datagram that was dropped is delivered',
    file: delivery,
    find: '    if (oldest === undefined) return false;',
    replace: '    if (oldest === undefined) return true;',
  },
  {
    id: 'closing does not wait for sends',
    file: datagramKind,
    find: 'return sending.length === 0 || resetting;',
    replace: 'return sending.length >= 0 || resetting;',
  },
  {
    id: 'a grace of 0 waits for sends',
    file: datagramKind,
    find: '    socket.resetting = true;\n    dropSends',
    replace: '    dropSends',
  },
];

/** @type {Mutation[]} */
export const mutations = [
  ...contextMutations,
  ...deferredMutations,
  ...loopMutations,
  ...waitMutations,
  ...acceptMutations,
  ...datagramMutations.map((mutation) => ({
    ...mutation,
    id: `udp: ${mutation.id}`,
    udp: /** @type {const} */ (true),
  })),
  {
    id: 'publish a receive after its call',
    file: transport,
    find: "    operation.submit('WSARecv');",
    replace: "    queueMicrotask(() => operation.submit('WSARecv'));",
  },
  {
    id: 'ignore a call that failed at once',
    file: transport,
    find: 'if (outcome !== FINISHED) completeSynchronously(operation, outcome, 0);',
    replace: 'if (outcome !== FINISHED) return;',
  },
  {
    id: 'wait for a packet that is skipped',
    file: transport,
    find: 'else if (connection.skipsPackets) {',
    replace: 'else if (connection.skipsPackets && operation.index < 0) {',
  },
  {
    id: 'finish at once although a packet comes',
    file: transport,
    find: 'else if (connection.skipsPackets) {',
    replace: 'else {',
  },
  {
    id: 'count bytes that were asked for, not those that came',
    file: transport,
    find: 'completeSynchronously(operation, 0, operations.words[operation.word + SLOT.BYTES / 4] ?? 0);',
    replace: 'completeSynchronously(operation, 0, operation.requested);',
  },
  {
    id: 'believe that packets are skipped when the system refused',
    file: transport,
    find: 'connection.skipsPackets = platform.kernel32.SetFileCompletionNotificationModes(connection.socket, modes) !== 0;',
    replace:
      'connection.skipsPackets = platform.kernel32.SetFileCompletionNotificationModes(connection.socket, modes) >= 0;',
  },
  {
    id: 'SO_UPDATE_ACCEPT_CONTEXT without the listener',
    file: transport,
    find: 'scratch.setPointer(0, listener.socket);',
    replace: 'scratch.setPointer(0, 0);',
  },
  {
    id: 'no SO_UPDATE_CONNECT_CONTEXT',
    file: transport,
    find: 'finishConnect({ socket }: SocketRecord): void {',
    replace: 'finishConnect({ socket }: SocketRecord): void {\n    if (socket > 0) return;',
  },
  {
    id: 'cancel nothing on close',
    file: transport,
    find: 'this.#source.cancels.cancel(record, 0);',
    replace: '',
  },
  {
    id: 'cancel everything instead of one operation',
    file: transport,
    find: 'this.#source.cancels.cancel(record, operation.address);',
    replace: 'this.#source.cancels.cancel(record, 0);',
  },
  {
    id: 'an AcceptEx that failed at once stays submitted',
    file: transport,
    find: '      operation.state = OperationState.Completed;\n      operation.handedOver = false;\n',
    replace: '',
  },
  {
    id: 'believe packets for slots that are not in the kernel',
    file: port,
    find: 'if (!operation.isInKernel || owner === null)',
    replace: 'if (owner === null)',
  },
  {
    id: 'drop the check of the key',
    file: port,
    find: 'if (owner.keyLow !== keyLow || owner.keyHigh !== keyHigh)',
    replace: 'if (owner.keyLow < 0)',
  },
  {
    id: 'drop the check of the generation',
    file: port,
    find: 'if (!operations.isIntact(operation))',
    replace: 'if (operation.index < 0)',
  },
  {
    id: 'believe a packet whose operation is pending',
    file: port,
    find: 'if (status === STATUS_PENDING)',
    replace: 'if (operation.index < 0)',
  },
  {
    id: 'forget the status',
    file: port,
    find: 'operation.error = status === 0 ? 0 : ntStatusToWinsockError(status);',
    replace: 'operation.error = 0 * ntStatusToWinsockError(status);',
  },
  {
    id: 'OVERLAPPED is not zeroed',
    file: table,
    find: '    doubles[first] = 0;\n    doubles[first + 1] = 0;',
    replace: '    if (first < 0) doubles[first] = 0;',
  },
  {
    id: 'a slot is never given back',
    file: table,
    find: 'this.#free.push(operation);',
    replace: '',
  },
  {
    id: 'the upper half of an address is lost',
    file: table,
    find: '    words[word + 3] = address / TWO_32;',
    replace: '    words[word + 3] = 0;',
  },
  {
    id: 'a block is given out twice',
    file: 'block-pool.ts',
    find: 'this.#free[sizeClass]?.pop()',
    replace: 'this.#free[sizeClass]?.at(-1)',
  },
  {
    id: 'free on cancel',
    file: reader,
    find: '  dropUnread(context, connection);\n  answerReads(',
    replace:
      '  if (connection.read.operation) context.operations.giveBuffers(connection.read.operation);\n  answerReads(',
  },
  {
    id: 'a block is given back twice',
    file: table,
    find: '    operation.block = null;\n    operation.lent = null;\n  }',
    replace: '    operation.lent = null;\n  }',
  },
  {
    id: 'callbacks of reads inside the call',
    file: reader,
    find: '  context.loop.enqueue(() => {\n    removePendingCallback(context, connection);\n    if (viewCallback === null) callback.finishTwo(outcome, 0);',
    replace:
      '  [0].forEach(() => {\n    removePendingCallback(context, connection);\n    if (viewCallback === null) callback.finishTwo(outcome, 0);',
  },
  {
    id: 'a block that a callback is shown is received into again',
    file: reader,
    find: '    callback.finishTwo(null, block.bytes.subarray(0, bytes));\n  } finally {\n    context.blocks.give(block);',
    replace:
      '    context.blocks.give(block);\n  } finally {\n    callback.finishTwo(null, block.bytes.subarray(0, bytes));',
  },
  {
    id: "drop what a receive brought while shutdown('receive') cancelled it",
    file: reader,
    find: 'if (connection.read.ended && (error !== 0 || bytes === 0)) {',
    replace: 'if (connection.read.ended) {',
  },
  {
    id: 'the zero-byte receive of an idle connection is the end of its stream',
    file: reader,
    find: 'const hasNothing = error !== 0 || operation.requested === 0;',
    replace: 'const hasNothing = error !== 0;',
  },
  {
    id: 'taking an idle buffer back cancels the read',
    file: reader,
    find: '  if (error === ERROR_OPERATION_ABORTED && (wasReclaimed || mayPostAgain(connection))) {\n    // Cancelled to take its buffer back',
    replace: '  if (error === ERROR_OPERATION_ABORTED && bytes > 0) {\n    // Cancelled to take its buffer back',
  },
  {
    id: 'the second of two waiting reads is never posted',
    file: reader,
    find: 'return repost(context, connection, operation, next);',
    replace: 'return release(context, connection, operation);',
  },
  {
    id: 'a receive is not counted as in flight',
    file: table,
    find: '    owner.inFlight++;\n    this.reset(operation);',
    replace: '    if (kind !== OperationKind.Receive) owner.inFlight++;\n    this.reset(operation);',
  },
  {
    id: 'the last byte is not copied',
    file: 'bytes.ts',
    find: 'source.copy(target, 0, from, from + bytes) === bytes;',
    replace: 'source.copy(target, 0, from, from + bytes - 1) < bytes;',
  },
  {
    id: 'lose the tail of a short send',
    file: writeQueue,
    find: '    if (request.sent < request.total) {\n      advance',
    replace: '    if (request.sent < 0) {\n      advance',
  },
  {
    id: 'resume a short send at the wrong place',
    file: writeQueue,
    find: '  request.offset += left;',
    replace: '  request.offset = left;',
  },
  {
    id: 'the newest write goes first',
    file: 'write-state.ts',
    find: '    this.queue.push(request);',
    replace: overtake('this.queue'),
  },
  {
    id: 'no FIN after the flush',
    file: writer,
    find: '    release(context, connection, operation);\n    if (connection.write.end !== WriteEnd.Open) sendFin(context, connection);\n  }\n  try',
    replace: '    release(context, connection, operation);\n  }\n  try',
  },
  {
    id: 'a failed send counts as done',
    file: writer,
    find: 'const broken = emptySends > MAX_EMPTY_SENDS ? WSAECONNRESET : error;',
    replace: 'const broken = emptySends > MAX_EMPTY_SENDS ? WSAECONNRESET : error * 0;',
  },
  {
    id: 'an empty send breaks the connection',
    file: writer,
    find: 'const MAX_EMPTY_SENDS = 64;',
    replace: 'const MAX_EMPTY_SENDS = 0;',
  },
  {
    id: 'writes go on behind one that failed',
    file: writer,
    find: '  writeOf(connection).fail(code, syscall, thrown, cancelled);\n',
    replace: '',
  },
  {
    id: 'a flush that failed ends with FIN',
    file: writer,
    find: 'if (connection.closing) connection.resetting = true;',
    replace: '',
  },
  {
    id: 'sent bytes stay in the queue count',
    file: writeQueue,
    find: '  context.queuedBytes -= bytes;\n  const { queue }',
    replace: '  const { queue }',
  },
  {
    id: 'FIN before the flush',
    file: 'shutdown.ts',
    find: 'if (connection.write.operation === null) sendFin(context, connection);',
    replace: 'sendFin(context, connection);',
  },
  {
    id: 'closesocket before the drain',
    file: closer,
    find: 'if (kind.closesAtOnce(record)) closeSystemSocket(context, record);\n    return;',
    replace: '',
  },
  {
    id: 'close does not flush',
    file: connectionKind,
    find: 'return write.queue.length === 0;',
    replace: 'return write.queue.length >= 0;',
  },
  {
    id: 'a flush has no end',
    file: closer,
    find: '  else if (graceMs !== undefined || !record.kind.isFlushed(record)) beginGrace(context, record, graceMs);\n',
    replace: '',
  },
  {
    id: 'a second close does not shorten the grace',
    file: closer,
    find: 'if (graceMs !== undefined) shortenGrace(context, record, graceMs);',
    replace: '',
  },
  {
    id: 'a second close lengthens the grace',
    file: closer,
    find: 'if (close === null || left === null || left <= graceMs) return;',
    replace: 'if (close === null || left === null) return;',
  },
  {
    id: 'reset sends FIN',
    file: connectionKind,
    find: 'if (resetting && connected) lingerZero(context, socket);',
    replace: '',
  },
  {
    id: 'no FIN before a receive is cancelled',
    file: connectionKind,
    find: 'if (connection.connected && connection.write.operation === null) sendFin(context, connection);',
    replace: '',
    survives:
      'The packet of the cancelled receive is awaited, so that closesocket sends the FIN itself. The shutdown before it is ' +
      'for a Windows that would count the cancelled receive as pending; nobody has shown that it does.',
  },
  {
    id: 'close callback inside the call',
    file: closer,
    find: 'callback: CloseCallback): void {\n  context.loop.enqueue(() => {',
    replace: 'callback: CloseCallback): void {\n  [0].forEach(() => {',
  },
  {
    id: 'close twice',
    file: closer,
    find: 'if (record.closing && !record.closed) takeCloseFurther',
    replace: 'if (record.closing) takeCloseFurther',
  },
  {
    id: 'skip the re-post of an accept',
    file: acceptor,
    find: '  fillPool(context, listener, POSTS_PER_CONNECTION);\n  request.callback(',
    replace: '  request.callback(',
  },
  {
    id: 'a failed accept is not posted again',
    file: pool,
    find: '    context.loop.enqueue(() => fillPool(context, listener));',
    replace: '    listener.failures = 0;',
  },
  {
    id: 'accepts are posted beyond maxConnections',
    file: pool,
    find: '  return posted < limits.room(now);',
    replace: '  return limits.room(now) > 0;',
  },
  {
    id: 'a closed connection keeps its place',
    file: closer,
    find: '  record.kind.gone(context, record);\n',
    replace: '',
  },
  {
    id: 'a cancelled accept counts as a failure',
    file: acceptor,
    find: '    if (isHarmless) fillPool(context, listener);',
    replace: '    if (error === ERROR_OPERATION_ABORTED && listener.failures < 0) fillPool(context, listener);',
  },
  {
    id: 'a reused socket under its new handle',
    file: acceptor,
    find: '    connection.useKey(key);',
    replace: '    void connection;',
  },
  {
    id: 'reuse of a connection that this side has ended',
    file: 'socket-reuse.ts',
    find: '  if (connection.hasNoGrace || !read.peerEnded || read.ended || write.end === WriteEnd.Ended) return false;',
    replace: '  if (read.ended) return false;',
  },
  {
    id: 'a socket that is given to a connection is still spare',
    file: acceptor,
    find: '    listener.spares?.forget(connection.socket);',
    replace: '    void listener.spares;',
  },
  {
    id: 'untaken connections outlive their server',
    file: acceptor,
    find: '    abort(context, untaken);',
    replace: '    void untaken;',
  },
  {
    id: 'accept sockets leak',
    file: pool,
    find: '    if (operation.error === 0) abortSocket(context, operation.acceptSocket);\n    else discardSocket(context, operation.acceptSocket);\n',
    replace: '',
  },
  {
    id: 'waiting accepts are forgotten on close',
    file: acceptor,
    find: '  context.loop.enqueue(() => {\n    removePendingCallback(context, listener);\n    request.callback(error,',
    replace:
      '  if (request.callback.length < 0) context.loop.enqueue(() => {\n    removePendingCallback(context, listener);\n    request.callback(error,',
  },
  {
    id: 'ConnectEx on a socket that is not bound',
    file: connector,
    find: '  bindSocket(context, connection.socket, target.localAddress ?? unspecified(family), target.localPort);',
    replace:
      '  if (target.localPort > 0) bindSocket(context, connection.socket, unspecified(family), target.localPort);',
  },
  {
    id: 'a connect that was given up succeeds too',
    file: connector,
    find: '  if (!isAwaited(connection)) {\n    // Answered',
    replace: '  if (!isAwaited(connection) && error !== 0) {\n    // Answered',
  },
  {
    id: 'a connect that was given up and succeeds ends in good order',
    file: connector,
    find: '      connection.resetting = true;\n',
    replace: '',
  },
  {
    id: 'a connect that was given up and succeeds is reset without its context',
    file: connector,
    find: '      finish(context, connection);\n',
    replace: '',
  },
  {
    id: 'a failed connect leaves its socket',
    file: connector,
    find: '  answer(context, connection, error);\n  abort(context, connection);',
    replace: '  answer(context, connection, error);',
  },
  {
    id: 'the loop does not wait again',
    file: loop,
    find: 'else if (!this.#source.waiting) this.#source.wait();',
    replace: 'else if (!this.#source.waiting && this.#holds < 0) this.#source.wait();',
  },
  {
    id: 'the last packet of a batch is lost',
    file: loop,
    find: 'this.#filled = count;',
    replace: 'this.#filled = Math.max(1, count - 1);',
  },
  {
    id: 'handles come again',
    file: 'socket-table.ts',
    find: 'const generation = (this.#generations[index] ?? 0) + 1;',
    replace: 'const generation = this.#generations[index] || 1;',
  },
  {
    id: 'every run begins with the same handles',
    file: 'lifecycle.ts',
    find: 'this.#kept, this.#hooks)',
    replace: '{ ...this.#kept, sockets: new SocketTable() }, this.#hooks)',
  },
  {
    id: 'every run begins with the same names of calls',
    file: 'lifecycle.ts',
    find: 'this.#kept, this.#hooks)',
    replace: '{ ...this.#kept, names: new CallNames() }, this.#hooks)',
  },
  {
    id: 'stop does not wait for operations',
    file: 'lifecycle.ts',
    find: 'if (context.sockets.size > 0 || context.operations.used > 0 || !context.loop.isIdle) return;',
    replace: 'if (!context.loop.isIdle) return;',
  },
  {
    id: 'a slice of a pinned buffer is taken for its beginning',
    file: 'pinned-buffers.ts',
    find: 'arena.address + byteOffset',
    replace: 'arena.address',
  },
  {
    id: 'a receive whose start threw is left as it is',
    file: reader,
    find: '    abandonOperation(context, connection, operation, error);\n',
    replace: '    void error;\n',
  },
  {
    id: 'a socket that was closed while a call began counts as open',
    file: 'pending-call.ts',
    find: 'return socket.closing ? connectionClosed(call.operation) : call.cancellation;',
    replace: 'return call.cancellation;',
  },
  {
    id: 'a view of a pinned buffer is believed to lie inside',
    file: 'pinned-buffers.ts',
    find: 'byteOffset >= 0 && byteOffset + byteLength <= arena.byteLength',
    replace: 'byteOffset >= 0',
  },
  {
    id: 'at the end of the thread nothing is taken back',
    file: 'take-back-loans.ts',
    find: 'if (lent === null || owner === null || !operation.isInKernel) continue;',
    replace: 'continue;',
  },
  {
    id: 'at the end of the thread it is not waited for what is taken back',
    file: 'take-back-loans.ts',
    find: 'pauses < TAKE_BACK_PAUSES',
    replace: 'pauses < 1',
  },
  {
    id: 'memory of V8 is lent in threads whose end is not announced',
    file: 'create-context.ts',
    find: '!transport.keepsBuffers || platform.threadEnd !== undefined',
    replace: 'true',
  },
  {
    id: 'by name: the completion key stays behind',
    file: record,
    find: '    this.useKey(from.key);\n',
    replace: '',
  },
  {
    id: 'by name: the losers are left alone',
    file: names,
    find: '    for (const attempt of this.#underWay) abort(this.#context, attempt);\n',
    replace: '',
  },
  {
    id: 'by name: the record of the winner stays in the table',
    file: names,
    find: '    this.#context.sockets.remove(attempt);\n',
    replace: '',
  },
  {
    id: 'by name: the timeout wins over a success that is queued',
    file: names,
    find: '    for (const { connect } of this.#underWay) if (connect?.operation?.isInKernel === false) return true;\n',
    replace: '',
    survives: 'ConnectEx never succeeds at once in the simulation; connect() under WSAPoll may',
  },
  {
    id: 'by name: the timeout leaves the clock of the attempts running',
    file: names,
    find: '    this.#cancellation ??= error;\n    this.#eyeballs.stop();\n',
    replace: '    this.#cancellation ??= error;\n',
    survives: 'abandonConnect stops them at the end of the same call, unless a success is on its way',
  },
  {
    id: 'by name: closing forgets to stop the attempts',
    file: connector,
    find: '  connect.resolved()?.stop();\n',
    replace: '',
  },
  {
    id: 'by name: a failed attempt does not start the next',
    file: eyeballs,
    find: '    this.#running--;\n    this.#advance();\n',
    replace: '    this.#running--;\n',
  },
  {
    id: 'by name: attempts follow one another only',
    file: eyeballs,
    find: 'if (this.#delay !== null && this.#mayHaveMore()) this.#arm(this.#delay);',
    replace: '',
  },
  {
    id: 'by name: IPv6 is not waited for',
    file: eyeballs,
    find: 'this.#arm(RESOLUTION_DELAY_MS);',
    replace: 'this.#advance();',
  },
  {
    id: 'by name: the next attempt waits twice as long',
    file: eyeballs,
    find: 'if (this.#delay !== null && this.#mayHaveMore()) this.#arm(this.#delay);',
    replace: 'if (this.#delay !== null && this.#mayHaveMore()) this.#arm(this.#delay * 2);',
  },
  {
    id: 'by name: all of one family before the other',
    file: eyeballs,
    find: '    if (address !== undefined) this.#next = otherThan(family);\n',
    replace: '',
  },
  {
    id: 'by name: an answer that comes late is lost',
    file: eyeballs,
    find: '    this.#queues[family].push(...addresses);',
    replace: '    if (!this.#started) this.#queues[family].push(...addresses);',
  },
  {
    id: 'by name: only the first failed attempt is listed',
    file: names,
    find: '    return this.#attempts.flatMap(({ error }) => error ?? []);',
    replace: '    return this.#attempts.flatMap(({ error }) => error ?? []).slice(0, 1);',
  },
  {
    id: 'connect to a mapped address on a socket for IPv6 only',
    file: connector,
    find: 'if (isMappedIPv4(target.address)) {',
    replace: 'if (isMappedIPv4(target.address) && target.port < 0) {',
  },
  {
    id: 'tryWrite sends every part of a list from the start of the block',
    file: 'bytes.ts',
    find: 'copyIn(target, at + copied, part, 0, count)',
    replace: 'copyIn(target, at, part, 0, count)',
  },
  {
    id: 'a watch without a slot looks again every turn',
    file: watch,
    find: 'this.context.waitingWatches.awaitSlot(this.record);',
    replace: 'this.scheduleCheck();',
  },
  {
    id: 'a watch that waits for room is forgotten',
    file: watch,
    find: 'if (!hasRoom(context)) context.waitingWatches.awaitRoom(connection);',
    replace: 'if (!hasRoom(context)) return false;',
  },
  {
    id: 'no limit to what all queues hold together',
    file: 'write-refusal.ts',
    find: 'context.queuedBytes + total <= maxQueuedBytes;',
    replace: 'context.queuedBytes + total <= Infinity;',
  },
  {
    id: 'every piece of a file begins where the first did',
    file: files,
    find: 'setPosition(operations, operation, this.#offset + this.sent);',
    replace: 'setPosition(operations, operation, this.#offset);',
  },
  {
    id: 'a file that is sent stays open',
    file: writeQueue,
    find: '  file.done();',
    replace: '',
  },
  {
    id: 'what node:fs calls back with is taken up outside of a turn',
    file: files,
    find: `        this.#context.loop.enqueue(() => {
          this.#reading = false;`,
    replace: `        [0].forEach(() => {
          this.#reading = false;`,
  },
  {
    id: "the upper half of a file's offset is lost",
    file: 'transmit-buffers.ts',
    find: 'Math.floor(position / TWO_32)',
    replace: '0',
  },
  {
    id: 'every part of a file that is read begins where the first did',
    file: files,
    find: 'this.#isRegular ? this.#offset + this.#read : -1',
    replace: 'this.#isRegular ? this.#offset : -1',
  },
  {
    id: 'the head of a file goes out again in place of its tail',
    file: writeQueue,
    find: 'else request.setBuffers(tail, null);',
    replace: 'else request.setBuffers(head, null);',
  },
  {
    id: 'a TransmitFile that failed under way is begun again',
    file: files,
    find: 'this.#wasRefused && this.isUntouched && isRefusal(error)',
    replace: 'isRefusal(error)',
  },
  {
    id: 'a file in the middle is taken back as if nothing had gone out',
    file: cancellation,
    find: '  if (file.isUntouched) refuseFile(context, connection, error);\n  else if (!hard) return false;',
    replace: '  if (file.isUntouched || hard) refuseFile(context, connection, error);\n  else if (!hard) return false;',
  },
  {
    id: 'a soft cancel truncates a file',
    file: cancellation,
    find: '  else if (!hard) return false;\n  else if (file.isBusy) {',
    replace: '  else if (file.isBusy) {',
  },
  {
    id: 'a file is truncated although its last byte has gone',
    file: cancellation,
    find: '  else if (file.isBusy) {',
    replace: '  else if (file.isBusy && !hard) {',
  },
  {
    id: 'a tail is truncated like a write',
    file: writer,
    find: "firstWrite?.operation === 'sendFile' && firstWrite.cancellation !== null",
    replace: 'firstWrite?.file != null && firstWrite.cancellation !== null',
  },
  {
    id: 'writes go on behind a file that was truncated',
    file: writeQueue,
    find: '  refuseFile(context, connection, error);\n  abort(context, connection);',
    replace: '  refuseFile(context, connection, error);',
  },
  {
    id: 'a file that was opened for nobody stays open',
    file: files,
    find: '    if (this.isAbandoned) return this.#dispose();\n    if (error',
    replace: '    if (this.isAbandoned) return;\n    if (error',
  },
  {
    id: 'a file is closed while it is being read',
    file: files,
    find: '    if (this.#reading) return;\n',
    replace: '',
  },
  {
    id: 'a connection that is reset before its callback was never connected',
    file: connector,
    find: 'error.systemErrorCode === WSAENOTCONN ? WSAECONNRESET : error.systemErrorCode',
    replace: 'error.systemErrorCode',
  },
];
