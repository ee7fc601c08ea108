/** The contract on Winsock. Each file of calls/ checks what it is given, and hands it to the part that does it. */
import type { NetworkPal } from '../pal/network-pal.ts';
import { DatagramCalls } from './datagram-calls.ts';

export class WinsockPal extends DatagramCalls implements NetworkPal {}
