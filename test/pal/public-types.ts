/**
 * What the public types promise, for `npm run types`: nothing here runs. (test/package compiles a user's program against what is
 * published, with several versions of TypeScript; here the compiler options are the repository's, exactOptionalPropertyTypes
 * among them.)
 */
import type {
  AcceptDepthBounds,
  CancelOptions,
  ConnectOptions,
  Endpoint,
  GroupOptions,
  ImportServerOptions,
  Interest,
  KeepAliveOptions,
  NetworkError,
  NetworkPal,
  OperationOptions,
  PalOptions,
  RemoteOptions,
  SendFileOptions,
  ServerHandle,
  ServerOptions,
  SocketHandle,
  SocketTimeoutOptions,
  SpreadOptions,
  UdpHandle,
  UdpOptions,
} from '../../src/index.ts';
import type { FaultOptions, NetworkOptions, PlatformOptions } from '../../src/sim/index.ts';

/** Each takes what is of its type, and nothing that may be null as well. */
const take = {
  connection: (_: SocketHandle): void => undefined,
  peer: (_: Endpoint): void => undefined,
  count: (_: number): void => undefined,
  outcome: (_: NetworkError | null): void => undefined,
};

/** After the error has been looked at, no other result needs a look. */
export function resultsOfCallbacks(
  pal: NetworkPal,
  server: ServerHandle,
  socket: SocketHandle,
  udp: UdpHandle,
  bytes: Uint8Array,
): void {
  pal.asyncAccept(server, (error, client, peer, local) => {
    if (error !== null) return;
    take.connection(client);
    take.peer(peer);
    take.peer(local);
  });
  pal.asyncReceiveFrom(udp, bytes, 1, (error, count, peer, size) => {
    if (error) return;
    take.count(count + size);
    take.peer(peer);
  });
  pal.asyncConnect('localhost', 80, {}, (error, connected, peer, local) => {
    take.outcome(error);
    take.connection(connected);
    take.peer(peer);
    take.peer(local);
  });
  pal.onConnection((client, peer, local) => {
    take.connection(client);
    take.peer(peer);
    take.peer(local);
  });
  // With a part of the results, without a type, and with options before it.
  const read: number[] = [];
  pal.asyncRead(socket, bytes, 1, (error, count) => (error === null ? read.push(count) : error.code));
  pal.asyncAccept(server, { timeout: 1 }, (error, client) => pal.closeSocket(error === null ? client : socket));
  pal.asyncAccept(server, (error) => error?.code);
  pal.asyncReceiveFrom(udp, bytes, 1, { timeout: 1 }, (_, count) => read.push(count));
  pal.asyncReceiveFrom(udp, bytes, 1, () => read.length);
  // @ts-expect-error what has failed is not known yet
  pal.asyncWrite(socket, bytes, (error) => error.code);
  // @ts-expect-error the peer is no text
  pal.asyncAccept(server, (error, client, peer: string) => peer);
}

/** Handles are numbers, and yet none can be taken for another, nor a number for a handle. */
export function handles(pal: NetworkPal, server: ServerHandle, socket: SocketHandle, udp: UdpHandle): void {
  const bytes = new Uint8Array(1);
  const table = new Map<number, string>([[socket, 'a handle is a number']]);
  table.get(server);
  pal.closeSocket(udp);
  // @ts-expect-error a number is no handle
  pal.closeSocket(5);
  // @ts-expect-error a server is no connection
  pal.asyncRead(server, bytes, 1, () => undefined);
  // @ts-expect-error a connection is no UDP socket
  pal.asyncReceiveFrom(socket, bytes, 1, () => undefined);
  // @ts-expect-error a UDP socket is no server
  pal.tryAccept(udp);
  // @ts-expect-error a server's handle is no call's
  pal.cancel(server);
  pal.cancel(pal.asyncAccept(server, () => undefined));
}

/** The options that may be left out, each with the value undefined, as somebody who passes options on has them. */
type AllUndefined<Options> = {
  [Name in keyof Options as undefined extends Options[Name] ? Name : never]-?: undefined;
};
type TakesUndefined<Options> = AllUndefined<Options> extends Partial<Options> ? true : false;
type Expect<Claim extends true> = Claim;

export type OptionsTakeUndefined = [
  Expect<TakesUndefined<PalOptions>>,
  Expect<TakesUndefined<ServerOptions>>,
  Expect<TakesUndefined<ImportServerOptions>>,
  Expect<TakesUndefined<AcceptDepthBounds>>,
  Expect<TakesUndefined<SpreadOptions>>,
  Expect<TakesUndefined<ConnectOptions>>,
  Expect<TakesUndefined<OperationOptions>>,
  Expect<TakesUndefined<CancelOptions>>,
  Expect<TakesUndefined<SendFileOptions>>,
  Expect<TakesUndefined<Interest>>,
  Expect<TakesUndefined<UdpOptions>>,
  Expect<TakesUndefined<GroupOptions>>,
  Expect<TakesUndefined<KeepAliveOptions>>,
  Expect<TakesUndefined<RemoteOptions>>,
  Expect<TakesUndefined<SocketTimeoutOptions>>,
  Expect<TakesUndefined<NetworkOptions>>,
  Expect<TakesUndefined<PlatformOptions>>,
  Expect<TakesUndefined<FaultOptions>>,
  // @ts-expect-error the check can fail: this one refuses undefined
  Expect<TakesUndefined<{ timeout?: number }>>,
];
