/** Refused connects on loopback, at once. */
import {
  SIO_TCP_INITIAL_RTO,
  TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS,
  TCP_INITIAL_RTO_UNSPECIFIED_RTT,
} from '../../ffi/constants.ts';
import { TCP_INITIAL_RTO_PARAMETERS } from '../../ffi/layouts.ts';
import { isLoopback, type IpAddress } from '../pal/ip-address.ts';
import type { BackendParts } from '../context/transport.ts';

/** Where in the scratch memory the call leaves the count that nobody asks for. */
const RETURNED_AT = 16;

/**
 * Windows repeats a refused SYN every 500 ms even on loopback, where nothing was lost: a refused connect takes two seconds.
 * This asks for no repetition. Best effort: Windows before 10 1709, and Wine, do not know it.
 * https://learn.microsoft.com/windows/win32/winsock/sio-tcp-initial-rto
 */
export function sendOneSynOnly(
  { platform, counters, scratch }: Pick<BackendParts, 'platform' | 'counters' | 'scratch'>,
  socket: number,
  address: IpAddress,
): void {
  if (!isLoopback(address)) return;
  scratch.view.setUint16(TCP_INITIAL_RTO_PARAMETERS.Rtt, TCP_INITIAL_RTO_UNSPECIFIED_RTT, true);
  scratch.view.setUint8(TCP_INITIAL_RTO_PARAMETERS.MaxSynRetransmissions, TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS);
  scratch.view.setUint8(TCP_INITIAL_RTO_PARAMETERS.MaxSynRetransmissions + 1, 0);
  counters.syscalls.WSAIoctl++;
  const { address: at } = scratch;
  const { size } = TCP_INITIAL_RTO_PARAMETERS;
  platform.ws2_32.WSAIoctl(socket, SIO_TCP_INITIAL_RTO, at, size, 0, 0, at + RETURNED_AT, 0, 0);
}
