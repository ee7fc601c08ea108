import { expect } from 'chai';
import { ERROR_OPERATION_ABORTED, WSAECONNRESET } from '../../../ffi/wsa-errors.ts';
import { Operation } from '../../../src/memory/operation.ts';
import { WriteRequest } from '../../../src/tcp/connection/requests.ts';
import type { SocketHandle } from '../../../src/pal/handles.ts';
import { Connection } from '../../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../../src/tcp/connection-kind.ts';
import { Stream, UNWRITTEN, WriteEnd, writeOf, WriteState } from '../../../src/tcp/connection/write-state.ts';

describe('WriteState', () => {
  let state: WriteState;
  beforeEach(() => {
    state = new WriteState();
  });
  const queue = (total: number): WriteRequest => {
    const request = new WriteRequest();
    request.total = total;
    state.enqueue(request);
    return request;
  };
  const bug = /is impossible\. This is a bug/;

  it('numbers writes in the order of their coming, and counts their bytes', () => {
    const [first, second] = [queue(5), queue(7)];
    expect(second.order).to.be.above(first.order);
    expect(state.queuedBytes).to.equal(12);
    state.dequeueBytes(5);
    expect(state.queuedBytes).to.equal(7);
  });

  it('ends behind what is queued, once', () => {
    queue(1);
    state.endBehindQueue();
    expect(state.end).to.equal(WriteEnd.Ending);
    expect(() => state.ends(), 'a FIN in front of a write').to.throw(bug);
    state.queue.shift();
    expect(state.ends()).to.equal(true);
    expect(state.end).to.equal(WriteEnd.Ended);
    expect(state.ends(), 'the second time').to.equal(false);
    expect(() => state.endBehindQueue()).to.throw(bug);
  });

  it('takes no write behind its end, or on a stream that has failed', () => {
    state.endBehindQueue();
    expect(() => queue(1)).to.throw(bug);
    state = new WriteState();
    state.fail(WSAECONNRESET, 'WSASend', null, false);
    expect(() => queue(1)).to.throw(bug);
  });

  it('is broken by a send that fails, and can still end; no further send can fail', () => {
    state.fail(WSAECONNRESET, 'WSASend', null, false);
    expect([state.stream, state.failure]).to.deep.equal([Stream.Broken, WSAECONNRESET]);
    expect(() => state.fail(WSAECONNRESET, 'WSASend', null, false)).to.throw(bug);
    expect(state.ends()).to.equal(true);
  });

  it('has no end that the peer could take for a good one when bytes are missing, whatever fails later', () => {
    state.truncate();
    expect([state.stream, state.failure]).to.deep.equal([Stream.Truncated, ERROR_OPERATION_ABORTED]);
    expect(state.ends()).to.equal(false);
    state.fail(WSAECONNRESET, 'WSASend', null, false);
    expect([state.stream, state.failure]).to.deep.equal([Stream.Truncated, WSAECONNRESET]);
    expect(state.ends()).to.equal(false);
  });

  it('cancels a write that is queued only, and forgets that once the send is done', () => {
    expect(() => state.abort()).to.throw(bug);
    queue(1);
    state.abort();
    expect(state.aborted()).to.equal(true);
    expect(state.aborted()).to.equal(false);
    expect(state.stream).to.equal(Stream.Whole);
  });

  it('sends once at a time', () => {
    state.begin(new Operation(0, 0));
    expect(() => state.begin(new Operation(1, 128))).to.throw(bug);
    expect(state.finish()).to.equal(null);
    state.begin(new Operation(1, 128));
  });

  it('refuses what follows a refused write until every refusal was reported, with the reason of the first', () => {
    const error = new Error('full') as never;
    state.refuse(error);
    state.refuse(new Error('behind') as never);
    state.refusalTold();
    expect(state.refusal).to.equal(error);
    state.refusalTold();
    expect([state.refusals, state.refusal]).to.deep.equal([0, null]);
  });

  it('counts sends in a row that took nothing', () => {
    expect([state.sent(0, 5), state.sent(0, 5), state.sent(0, 0), state.sent(0, 5), state.sent(1, 5)]).to.deep.equal([
      1, 2, 0, 1, 0,
    ]);
  });
});

describe('writeOf', () => {
  const connection = (): Connection => new Connection(connectionKind, 1 as SocketHandle, 4, 0, undefined);

  it('makes a state when something is to be written, and not when a connection is only looked at', () => {
    const one = connection();
    one.connected = true;
    expect(one.describe(0)).to.deep.include({ state: 'CONNECTED', requests: [] });
    expect([...one.operations()]).to.deep.equal([]);
    expect(one.write).to.equal(UNWRITTEN);
    const own = writeOf(one);
    expect(own).to.be.instanceOf(WriteState);
    expect(own).to.not.equal(UNWRITTEN);
    expect(one.write).to.equal(own);
    expect(writeOf(one), 'the second time').to.equal(own);
  });

  it('gives each connection its own, so that none sees what another one writes', () => {
    const [one, two] = [connection(), connection()];
    const request = new WriteRequest();
    request.total = 5;
    writeOf(one).enqueue(request);
    expect(one.write.queuedBytes).to.equal(5);
    for (const unwritten of [two.write, UNWRITTEN]) {
      expect(unwritten.queuedBytes).to.equal(0);
      expect(unwritten.queue.length).to.equal(0);
    }
  });
});
