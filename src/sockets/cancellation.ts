/** Which part of the driver takes which call back. pending-call.ts says when, docs/cancellation.md what it means. */
import type { NetworkError } from '../pal/network-error.ts';
import { revokeAccept } from '../tcp/accept/acceptor.ts';
import { Connection } from '../tcp/connection.ts';
import { revokeConnect } from '../tcp/connector.ts';
import { revokeReceive } from '../udp/datagram-receiver.ts';
import { ReceiveFromRequest, SendToRequest } from '../udp/datagram-requests.ts';
import { revokeSend } from '../udp/datagram-sender.ts';
import { DatagramSocket } from '../udp/datagram-socket.ts';
import type { Driver } from '../context/context.ts';
import { Listener } from '../tcp/accept/listener.ts';
import type { PendingCall } from './pending-call.ts';
import { revokeRead } from '../tcp/reader.ts';
import { AcceptRequest, ConnectRequest, ReadRequest, WriteRequest } from '../tcp/requests.ts';
import { revokeWrite } from '../tcp/write-revocation.ts';

/** See Revoke. */
export function revoke(driver: Driver, call: PendingCall, error: NetworkError, hard: boolean): boolean {
  const { owner } = call;
  if (call.revoked !== null) return true; // the first reason is the one that is told
  if (owner instanceof Connection) {
    if (call instanceof ReadRequest) return revokeRead(driver, owner, call, error);
    if (call instanceof WriteRequest) return revokeWrite(driver, owner, call, error, hard);
    if (call instanceof ConnectRequest) return revokeConnect(driver, owner, error);
  } else if (owner instanceof Listener && call instanceof AcceptRequest) {
    return revokeAccept(driver, owner, call, error);
  } else if (owner instanceof DatagramSocket) {
    if (call instanceof ReceiveFromRequest) return revokeReceive(driver, owner, call, error);
    if (call instanceof SendToRequest) return revokeSend(driver, owner, call, error);
  }
  throw new Error(`A pending ${call.operation} belongs to nobody. This is a bug in iocp-pal; please report it`);
}
