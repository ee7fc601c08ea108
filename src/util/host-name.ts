/** Host names: which texts may be resolved as one. docs/names.md says how they are. */

/** Most characters of a name in text: 255 bytes in a packet (RFC 1035, 2.3.4). */
const MAX_NAME_LENGTH = 253;
/** Most characters of what is between two dots (RFC 1035, 2.3.4). */
const MAX_LABEL_LENGTH = 63;
/** What no name holds: the URL standard's forbidden host code points, and any white space. */
const FORBIDDEN = /[\s\p{Cc}"#%/:<>?@[\\\]^`{|}]/u;
/** A last label that makes a text a (mistyped) IPv4 address and not a name, as in the URL standard. */
const NUMBER = /^(?:\d+|0x[\da-f]*)$/i;

/**
 * True for what may be a host name. False for anything that was meant as an address: `1.2.3`, which getaddrinfo takes for
 * 1.2.0.3, or `[::1]`.
 */
export function isHostName(text: string): boolean {
  if (text.length > MAX_NAME_LENGTH || FORBIDDEN.test(text)) return false;
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  if (labels.some(({ length }) => length === 0 || length > MAX_LABEL_LENGTH)) return false;
  return !NUMBER.test(labels.at(-1) ?? '');
}
