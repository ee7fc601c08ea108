/** Which sockets a datagram reaches: one, all members of a group, or everybody on a port. */
import type { SharedNetwork } from '../machine/machine.ts';
import type { SimulatedAddress } from './sockaddr.ts';
import type { SimulatedSocket } from './socket.ts';
import type { Flight, UdpEnd } from './udp-end.ts';

/** The ends that `flight`, sent by `sender`, arrives at. */
export function receiversOf(network: SharedNetwork, sender: UdpEnd, flight: Flight): readonly UdpEnd[] {
  const { to, from } = flight;
  const bound = network.udpPorts.boundAt(to.port);
  if (to.isMulticast || to.isBroadcast) {
    const all = bound.filter((socket) => accepts(socket, to, from) && hears(socket, sender, flight));
    return all.flatMap(({ udp }) => (udp === null ? [] : [udp]));
  }
  if (network.route(to) !== 'ok') return [];
  let found: SimulatedSocket | null = null;
  let best = 0;
  for (const socket of bound) {
    if (!accepts(socket, to, from)) continue;
    // The one that fits best: connected to the sender, then bound to the very address, then to any.
    const fit = (socket.udp?.remote === null ? 0 : 4) + (socket.local?.isAny === true ? 0 : 2) + 1;
    if (fit <= best) continue;
    best = fit;
    found = socket;
  }
  const end = found?.udp ?? null;
  return end === null ? [] : [end];
}

/** The socket is bound so that the datagram may reach it, and not connected to somebody else. */
function accepts(socket: SimulatedSocket, to: SimulatedAddress, from: SimulatedAddress): boolean {
  const { local, udp, family } = socket;
  if (local === null || udp === null) return false;
  if (family !== to.family && (family === 4 || socket.v6Only)) return false;
  const group = to.isMulticast || to.isBroadcast;
  const bound = local.unmapped ?? local;
  if (!local.isAny && !group && (bound.family !== to.family || bound.host !== to.host)) return false;
  const remote = udp.remote?.unmapped ?? udp.remote;
  return remote === null || (remote.port === from.port && remote.family === from.family && remote.host === from.host);
}

/** The socket is a member of the group, or there is none to be a member of. */
function hears({ udp, platform, local }: SimulatedSocket, sender: UdpEnd, { to, from }: Flight): boolean {
  if (udp === null) return false;
  if (to.isBroadcast) return local?.isAny === true;
  const decides = platform.profile.receiverDecidesLoop ? udp : sender;
  return decides.multicastLoop && (udp.groups.has(to.host) || udp.groups.has(`${to.host} ${from.host}`));
}
