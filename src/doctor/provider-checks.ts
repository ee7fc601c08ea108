/** What the providers of this machine can do: real handles, the extension functions, calls that skip their packets. */
import { Win32Error } from '../../ffi/check.ts';
import { FILE_SKIP_COMPLETION_PORT_ON_SUCCESS } from '../../ffi/constants.ts';
import { ExtensionFunctions } from '../overlapped/extension-functions.ts';
import { Counters } from '../loop/counters.ts';
import type { Platform } from '../platform/platform.ts';
import { Scratch } from '../memory/scratch.ts';
import { discardSocket, hasRealHandles, openTcpSocket, type SocketParts } from '../sockets/sockets.ts';
import type { Provider } from './catalog.ts';
import type { Check } from './report.ts';
import { messageOf } from '../../ffi/thrown.ts';

const REMOVE_LAYER =
  "Find the product that installed it with 'netsh winsock show catalog' and remove it, or run 'netsh winsock reset' as an " +
  'administrator and restart: a layered provider without real handles loses completion packets';

/** Entries whose sockets are no file handles. */
export function checkCatalog(providers: readonly Provider[]): Check {
  const name = 'providers have real handles';
  const without = providers.filter(({ realHandles }) => !realHandles).map(describeProvider);
  const chains = providers.filter(({ chainLength }) => chainLength > 1).length;
  if (without.length > 0) {
    return { name, ms: 0, status: 'failed', detail: `these have none: ${without.join('; ')}`, advice: REMOVE_LAYER };
  }
  const detail = `${providers.length} providers of TCP and UDP, ${chains} layered chains`;
  if (chains === 0) return { name, ms: 0, status: 'ok', detail };
  const advice =
    'A layered product sees all traffic. It has real handles, so iocp-pal works; suspect it first if something is odd';
  return { name, ms: 0, status: 'note', detail, advice };
}

export function describeProvider({ name, protocol, family, realHandles, chainLength }: Provider): string {
  const layer = chainLength === 1 ? '' : chainLength === 0 ? ', a layer' : `, a chain of ${chainLength}`;
  return `${protocol} IPv${family} "${name}"${layer}${realHandles ? '' : ', no real handles'}`;
}

/** Asks sockets of both families. Winsock must have been started. */
export function checkSockets(platform: Platform): Check[] {
  const scratch = new Scratch(platform.memory);
  try {
    const parts = { platform, counters: new Counters(), scratch };
    return [4, 6].flatMap((family) => checkFamily(parts, family as 4 | 6));
  } finally {
    scratch.dispose();
  }
}

function checkFamily(parts: SocketParts, family: 4 | 6): Check[] {
  let socket: number;
  try {
    socket = openTcpSocket(parts, family);
  } catch (error) {
    const detail = messageOf(error);
    const name = `a socket of IPv${family}`;
    const advice =
      family === 6
        ? 'IPv6 is switched off on this machine: only addresses of IPv4 can be used'
        : 'Without a TCP socket nothing works: see whether the machine has an IPv4 stack, and sockets left';
    return [{ name, ms: 0, status: family === 6 ? 'note' : 'failed', detail, advice }];
  }
  try {
    return [extensions(parts, family, socket), skipping(parts, family, socket)];
  } finally {
    discardSocket(parts, socket);
  }
}

function extensions({ platform, counters, scratch }: SocketParts, family: 4 | 6, socket: number): Check {
  const name = `extension functions, IPv${family}`;
  const functions = new ExtensionFunctions(platform, scratch, counters);
  const ask = (name: string, have: () => unknown): string[] => {
    try {
      return have() === null ? [name] : [];
    } catch (error) {
      if (error instanceof Win32Error) return [name];
      throw error;
    }
  };
  const needed = ask('AcceptEx, ConnectEx or GetAcceptExSockaddrs', () => functions.of(family, socket));
  const helpful = [
    ...ask('TransmitFile', () => functions.transmitFile(family, socket)),
    ...ask('DisconnectEx', () => functions.disconnectEx(family, socket)),
  ];
  const detail = `missing: ${[...needed, ...helpful].join(', ')}`;
  if (needed.length > 0) return { name, ms: 0, status: 'failed', detail, advice: REMOVE_LAYER };
  if (helpful.length > 0) {
    const advice =
      'Without TransmitFile asyncSendFile reads the file itself; without DisconnectEx reuseSockets does nothing. ' +
      'A layered provider leaves them out: see "providers" above';
    return { name, ms: 0, status: 'note', detail, advice };
  }
  return { name, ms: 0, status: 'ok', detail: 'AcceptEx, ConnectEx, GetAcceptExSockaddrs, TransmitFile, DisconnectEx' };
}

function skipping(parts: SocketParts, family: 4 | 6, socket: number): Check {
  const name = `packets are skipped on success, IPv${family}`;
  const { kernel32 } = parts.platform;
  const advice = 'iocp-pal works, with one completion packet more per call that succeeds at once';
  if (!hasRealHandles(parts, socket)) {
    return { name, ms: 0, status: 'note', detail: 'not tried: the socket is no real handle', advice };
  }
  if (kernel32.SetFileCompletionNotificationModes(socket, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) === 0) {
    const detail = `SetFileCompletionNotificationModes failed with ${kernel32.GetLastError()}`;
    return { name, ms: 0, status: 'note', detail, advice };
  }
  return { name, ms: 0, status: 'ok', detail: 'SetFileCompletionNotificationModes says yes' };
}
