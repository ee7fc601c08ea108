import { expect } from 'chai';
import type { Context } from '../../../src/context/context.ts';
import type { ServerHandle, SocketHandle } from '../../../src/pal/handles.ts';
import { AcceptedBy } from '../../../src/tcp/accept/accepted-by.ts';
import { AcceptLimits, NO_LIMITS } from '../../../src/tcp/accept/accept-limits.ts';
import { listenerKind } from '../../../src/tcp/accept/listener-kind.ts';
import { Listener } from '../../../src/tcp/accept/listener.ts';
import { Connection } from '../../../src/tcp/connection/connection.ts';
import { connectionKind } from '../../../src/tcp/connection-kind.ts';

describe('AcceptedBy', () => {
  /** Without a port of its own it posts no accepts, so that it needs no context. */
  const context = {} as Context;
  let listener: Listener;
  beforeEach(() => {
    listener = new Listener(listenerKind, 1 as ServerHandle, 4, 0, undefined);
    listener.limits = new AcceptLimits({ ...NO_LIMITS, maxConnectionsPerAddress: 1 }, 0);
  });
  const connectionFrom = (address: string): Connection => {
    const connection = new Connection(connectionKind, 2 as SocketHandle, 4, 0, undefined);
    connection.peer = { address, port: 7007, family: 4 };
    return connection;
  };

  it('counts each connection under the address of its peer', () => {
    const acceptedBy = new AcceptedBy(listener, null);
    for (const address of ['10.0.0.1', '10.0.0.2']) listener.limits.opened(address, 0);
    acceptedBy.connectionGone(context, connectionFrom('10.0.0.2'));
    expect(listener.limits.refusal('10.0.0.1', 0)).to.equal('maxConnectionsPerAddress');
    expect(listener.limits.refusal('10.0.0.2', 0)).to.equal(null);
    expect(listener.limits.open).to.equal(1);
  });

  it('counts one whose peer had no name under none, also when its name has become known', () => {
    const acceptedBy = new AcceptedBy(listener, '');
    for (const address of ['', '10.0.0.1']) listener.limits.opened(address, 0);
    acceptedBy.connectionGone(context, connectionFrom('10.0.0.1'));
    expect(listener.limits.refusal('10.0.0.1', 0)).to.equal('maxConnectionsPerAddress');
    expect(listener.limits.refusal('', 0)).to.equal(null);
  });
});
