/**
 * What callers give as options: each is read once, into a record of the library's own.
 *
 * An option may be a getter, or a property of a Proxy, and answer otherwise the next time: what is checked must be what is used. So
 * nothing below the calls ever sees the caller's object. Booleans are checked here, since they need no more than a look;
 * the others where their bounds are known.
 */
import { argumentError } from '../pal/network-error.ts';
import type { CloseOptions, ConnectOptions } from '../pal/network-pal.ts';
import type { GroupOptions, UdpOptions } from '../pal/datagram.ts';
import type { SendFileOptions } from '../pal/file-transfer.ts';
import type { SpreadOptions } from '../pal/loops.ts';
import type { CancelOptions, OperationOptions } from '../pal/pending-operation.ts';
import type { Interest } from '../pal/readiness.ts';
import type { ProxyProtocolOptions } from '../pal/proxy-protocol.ts';
import type { AcceptDepthBounds, ServerOptions } from '../pal/server-options.ts';
import { shown } from './shown.ts';
import { wrongType } from './validate.ts';

/** The options of one kind of call. True: it must be a boolean. */
export type OptionNames<Options> = Readonly<Record<keyof Required<Options>, boolean>>;

export const OPERATION_OPTIONS: OptionNames<OperationOptions> = { timeout: false, signal: false };

export const CONNECT_OPTIONS: OptionNames<ConnectOptions> = {
  ...OPERATION_OPTIONS,
  localAddress: false,
  localPort: false,
  noDelay: true,
  family: false,
  lookup: false,
  attemptDelay: false,
  onAttempt: false,
};

export const SERVER_OPTIONS: OptionNames<ServerOptions> = {
  backlog: false,
  reuseAddr: true,
  exclusive: true,
  ipv6Only: true,
  receiveBufferSize: false,
  sendBufferSize: false,
  noDelay: true,
  acceptDepth: false,
  maxConnections: false,
  maxConnectionsPerAddress: false,
  acceptRate: false,
  whenFull: false,
  deferAssociation: true,
  spread: false,
  reuseSockets: true,
  onLimit: false,
  onAcceptError: false,
  proxyProtocol: false,
};

export const UDP_OPTIONS: OptionNames<UdpOptions> = {
  reuseAddr: true,
  exclusive: true,
  ipv6Only: true,
  broadcast: true,
  receiveBufferSize: false,
  sendBufferSize: false,
  receiveDepth: false,
  maxDatagramSize: false,
  maxQueuedReceiveBytes: false,
  dropWhenFull: false,
  reportUnreachable: true,
};

export const GROUP_OPTIONS: OptionNames<GroupOptions> = { interface: false, source: false };

export const SEND_FILE_OPTIONS: OptionNames<SendFileOptions> = {
  ...OPERATION_OPTIONS,
  offset: false,
  length: false,
  head: false,
  tail: false,
  onProgress: false,
  transmitFile: true,
};

export const CLOSE_OPTIONS: OptionNames<CloseOptions> = { graceMs: false };

export const CANCEL_OPTIONS: OptionNames<CancelOptions> = { hard: true };

export const WATCH_INTEREST: OptionNames<Interest> = { readable: true, writable: true };

const ACCEPT_DEPTH: OptionNames<AcceptDepthBounds> = { min: false, max: false };
const SPREAD: OptionNames<SpreadOptions> = { loops: false, policy: false };
const PROXY_PROTOCOL: OptionNames<ProxyProtocolOptions> = { from: false, required: true, timeoutMs: false };

/** What options inherit from: not from Object.prototype. */
const NO_OPTIONS: object = Object.freeze(Object.create(null) as object);

/**
 * Reads options once. Those that are undefined are left out. What somebody has put into Object.prototype (an old library, or
 * whoever could have it polluted) is no option, neither here nor for whoever gets the record.
 * @param holder the option that holds them, where they are not the call's own
 * @throws TypeError ERR_INVALID_ARG_TYPE when they are no object, or a boolean is none; and whatever a getter throws.
 */
export function readOptions<Options extends object>(
  given: unknown,
  names: OptionNames<Options>,
  holder?: string,
): Options {
  if (holder === undefined) requireObject('the options', 'they must be an object, and are', given);
  else requireObject(holder, 'it must be an object, and is', given);
  const result = Object.create(NO_OPTIONS) as Record<string, unknown>;
  for (const name in names) {
    if (name in Object.prototype && !(Object.hasOwn(names, name) && Object.hasOwn(given, name))) continue;
    const value: unknown = given[name];
    if (value === undefined) continue;
    if (names[name]) requireBoolean(holder === undefined ? name : `${holder}.${name}`, value);
    result[name] = value;
  }
  return result as Options;
}

/** The options of a server, with those that are objects of their own. */
export function readServerOptions(given: unknown): ServerOptions {
  const options = readOptions<ServerOptions>(given, SERVER_OPTIONS);
  const { acceptDepth, spread, proxyProtocol } = options;
  if (typeof acceptDepth === 'object') {
    options.acceptDepth = readOptions<AcceptDepthBounds>(acceptDepth, ACCEPT_DEPTH, 'acceptDepth');
  }
  if (spread !== undefined) options.spread = readOptions<SpreadOptions>(spread, SPREAD, 'spread');
  if (proxyProtocol !== undefined) options.proxyProtocol = readProxyProtocol(proxyProtocol);
  return options;
}

/** The option proxyProtocol of a server. */
export function readProxyProtocol(given: unknown): ProxyProtocolOptions {
  return readOptions<ProxyProtocolOptions>(given, PROXY_PROTOCOL, 'proxyProtocol');
}

function requireBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value);
}

function requireObject(what: string, rule: string, given: unknown): asserts given is Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw argumentError(TypeError, 'ERR_INVALID_ARG_TYPE', `Cannot use ${what}: ${rule} ${shown(given)}`);
}
