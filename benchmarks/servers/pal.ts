/** The PAL of a peer: its name, the first argument, says which backend and which waiter. */
import {
  createNetworkPal,
  type NetworkPal,
  type PalOptions,
  type ServerOptions,
  type SocketHandle,
} from '../../src/index.ts';
import { wsapoll } from '../../src/wsapoll/index.ts';
import { report } from './control.ts';
import { BACKLOG } from './settings.ts';

const PEERS: Readonly<Record<string, PalOptions>> = {
  iocp: {},
  'iocp-inline': { waiter: 'inline' },
  'iocp-no-skip': { skipCompletionPortOnSuccess: false },
  'iocp-inline-no-skip': { waiter: 'inline', skipCompletionPortOnSuccess: false },
  'iocp-reuse': {},
  'iocp-depth-32': {},
  wsapoll: { backend: wsapoll },
  'wsapoll-inline': { backend: wsapoll, waiter: 'inline' },
};

/** What sets a peer's server apart. */
const SERVERS: Readonly<Record<string, ServerOptions>> = {
  'iocp-reuse': { reuseSockets: true },
  'iocp-depth-32': { acceptDepth: 32 },
};

/** The PAL of this server's peer. */
export function palOfPeer(): NetworkPal {
  return createNetworkPal(PEERS[process.argv[2] ?? ''] ?? {});
}

/** Serves until the runner says quit. */
export function servePal(serve: (pal: NetworkPal, client: SocketHandle) => void): void {
  const peer = process.argv[2] ?? '';
  const pal = palOfPeer();
  pal.initialize();
  const server = pal.createServer('127.0.0.1', 0, { backlog: BACKLOG, noDelay: true, ...SERVERS[peer] });
  let accepted = 0;
  const accept = (): void =>
    void pal.asyncAccept(server.handle, (error, client) => {
      if (error !== null) throw error;
      accepted++;
      serve(pal, client);
      accept();
    });
  accept();
  report(server.port, () => ({ pinnedBytes: pal.stats().pinnedBytes, accepted }));
  void pal.runEventLoop();
}
