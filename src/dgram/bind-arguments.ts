/**
 * The forms of bind(), and which of them are Node's own.
 * Source: https://nodejs.org/api/dgram.html#socketbindport-address-callback
 */

/** Where a socket is bound. */
export interface Place {
  readonly address: string;
  /** As it was given; none lets the system choose. */
  readonly port: unknown;
  /** In a worker of a cluster, whose primary process has the socket. */
  readonly isClusters?: boolean;
}

const ANY = { 4: '0.0.0.0', 6: '::' } as const;

/** @returns null for what is Node's own: a descriptor, or a native handle */
export function readBindArguments(args: readonly unknown[], family: 4 | 6): Place | null {
  const [first, second] = args;
  const any = ANY[family];
  const worker = isClusterWorker();
  if (typeof first !== 'object' || first === null) {
    const port = typeof first === 'function' ? undefined : first;
    return { address: textOr(any, second), port, isClusters: worker };
  }
  const { recvStart, fd, address, port, exclusive } = first as Record<string, unknown>;
  if (typeof recvStart === 'function' || (Number.isInteger(fd) && Number(fd) > 0)) return null;
  return { address: textOr(any, address), port, isClusters: worker && !exclusive };
}

/** A callback, or nothing, stands for all addresses of this machine. */
function textOr(any: string, value: unknown): string {
  return typeof value === 'function' || !value ? any : (value as string);
}

/** A worker of node:cluster gets its sockets from the primary. */
function isClusterWorker(): boolean {
  // Loaded here, as Node.js does, since few programs need it.
  return (process.getBuiltinModule('node:cluster') as unknown as { readonly isWorker: boolean }).isWorker;
}
