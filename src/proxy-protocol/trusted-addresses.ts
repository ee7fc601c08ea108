/** The addresses and networks whose headers are believed. */
import { isMappedIPv4, parseIpAddress, whyNoAddress, type IpAddress } from '../pal/ip-address.ts';
import { argumentError } from '../pal/network-error.ts';
import { shown } from '../util/shown.ts';

/** Bits in front of the IPv4 address in an IPv4-mapped one. */
const MAPPED_BITS = 96;

interface Network {
  readonly bytes: Uint8Array;
  /** How many of its bits count. */
  readonly prefix: number;
}

export class TrustedAddresses {
  readonly #networks: readonly Network[];

  /**
   * @param name of the option, for messages
   * @throws TypeError ERR_INVALID_ARG_VALUE for what is neither an address nor a network
   */
  constructor(name: string, texts: readonly unknown[]) {
    this.#networks = texts.map((text, index) => parseNetwork(`${name}[${index}]`, text));
  }

  /** Whether a peer is among them. @param address as text, with or without a zone */
  has(address: string): boolean {
    const parsed = parseIpAddress(address.split('%', 1)[0] ?? '');
    if (parsed === null) return false;
    const bytes = plain(parsed);
    return this.#networks.some((network) => contains(network, bytes));
  }
}

/** An IPv4-mapped address is the IPv4 address that it maps. */
function plain(address: IpAddress): Uint8Array {
  return isMappedIPv4(address) ? address.bytes.subarray(12) : address.bytes;
}

function contains({ bytes, prefix }: Network, address: Uint8Array): boolean {
  if (address.length !== bytes.length) return false;
  const whole = prefix >>> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== bytes[at]) return false;
  const bits = prefix & 7;
  return bits === 0 || (((address[whole] ?? 0) ^ (bytes[whole] ?? 0)) & (0xff00 >>> bits) & 0xff) === 0;
}

function parseNetwork(name: string, text: unknown): Network {
  if (typeof text !== 'string') throw noNetwork(name, text, '');
  const [addressText = '', prefixText, ...rest] = text.split('/');
  const address = addressText.includes('%') ? null : parseIpAddress(addressText);
  if (address === null || rest.length > 0) throw noNetwork(name, text, whyNoAddress(addressText));
  const bits = address.bytes.length * 8;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefixText !== undefined && (!/^(?:0|[1-9]\d{0,2})$/.test(prefixText) || prefix > bits)) {
    throw noNetwork(name, text, `. Its length must be a number from 0 to ${bits}`);
  }
  const isMapped = isMappedIPv4(address) && prefix >= MAPPED_BITS;
  const network = isMapped
    ? { bytes: address.bytes.subarray(12), prefix: prefix - MAPPED_BITS }
    : { bytes: address.bytes, prefix };
  requireNoHostBits(name, text, network);
  return network;
}

/** '10.1.2.3/8' is a mistake more often than it means 10.0.0.0/8: it would trust more than it seems to. */
function requireNoHostBits(name: string, text: string, { bytes, prefix }: Network): void {
  const rest = bytes.map((byte, at) => byte & (0xff >>> Math.min(8, Math.max(0, prefix - at * 8))));
  if (rest.some((byte) => byte !== 0)) {
    throw noNetwork(
      name,
      text,
      `. It has bits behind the first ${prefix}, which a network of that length does not have`,
    );
  }
}

function noNetwork(name: string, text: unknown, why: string): TypeError {
  return argumentError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `Cannot use ${name}: it must be an address such as '10.0.0.5' or a network such as '10.0.0.0/8', and is ${shown(text)}${why}`,
  );
}
