/**
 * TLS sockets on connections of the PAL. Node.js asks a TLS socket's native handle for its two ends, to keep the process alive, and for
 * TCP's options, and that asks the handle below. Here there is none, so the Socket below is asked.
 */
import type { Socket } from 'node:net';
import type tls from 'node:tls';

type Method = (this: object, ...args: unknown[]) => unknown;

const ENDS = {
  _getpeername: ({ remoteAddress, remotePort, remoteFamily }: Socket) => end(remoteAddress, remotePort, remoteFamily),
  _getsockname: ({ localAddress, localPort, localFamily }: Socket) => end(localAddress, localPort, localFamily),
};
const PASSED_ON = ['ref', 'unref', 'setNoDelay', 'setKeepAlive'] as const;

let taught = false;

/** Teaches Node's class, once for all that come. It changes nothing for a TLS socket that has a native handle below it. */
export function askSocketsBelowTls({ TLSSocket }: Pick<typeof tls, 'TLSSocket'>): void {
  if (taught) return;
  taught = true;
  for (const [name, endOf] of Object.entries(ENDS)) {
    override(TLSSocket.prototype, name, (below, askNodes) => (below === null ? askNodes() : endOf(below)));
  }
  for (const name of PASSED_ON) {
    override(TLSSocket.prototype, name, (below, askNodes, args) => {
      if (below !== null) Reflect.apply(Reflect.get(below, name) as Method, below, args);
      return askNodes();
    });
  }
}

function override(
  prototype: object,
  name: string,
  answer: (below: Socket | null, askNodes: () => unknown, args: unknown[]) => unknown,
): void {
  const nodes = Reflect.get(prototype, name) as Method;
  Object.defineProperty(prototype, name, {
    value(this: object, ...args: unknown[]) {
      return answer(socketBelow(this), () => Reflect.apply(nodes, this, args), args);
    },
    writable: true,
    configurable: true,
  });
}

/** The Socket that a TLS socket is on, where that is one of the PAL. */
function socketBelow(socket: object): Socket | null {
  const { _parent: below } = socket as { readonly _parent?: (Socket & { readonly _handle?: unknown }) | null };
  return below?._handle === null && 'remoteAddress' in below ? below : null;
}

function end(address: string | undefined, port: number | undefined, family: string | undefined): object {
  return address === undefined ? {} : { address, family, port };
}
