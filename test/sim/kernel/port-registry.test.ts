/** Two sockets on one port: who gets it, by Microsoft's table, and what was measured under Wine. */
import { expect } from 'chai';
import { WSAEACCES, WSAEADDRINUSE } from '../../../ffi/wsa-errors.ts';
import { simulatePlatform, type ProfileName } from '../../../src/sim/index.ts';
import { PortRegistry } from '../../../src/sim/kernel/port-registry.ts';
import { anyAddress, loopbackAddress } from '../../../src/sim/kernel/sockaddr.ts';
import { SimulatedSocket } from '../../../src/sim/kernel/socket.ts';

const PORT = 5150;
const OPTIONS = ['default', 'reuse', 'exclusive'] as const;
const PLACES = ['wildcard', 'specific'] as const;

type Option = (typeof OPTIONS)[number];
type Place = (typeof PLACES)[number];

const RESULTS: Readonly<Record<string, number>> = { '-': 0, INUSE: WSAEADDRINUSE, ACCESS: WSAEACCES };

/**
 * "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE", Enhanced Socket Security, both calls under one account. Rows: the first bind,
 * by option and place; columns: the second, in the same order.
 */
const WINDOWS = [
  'INUSE  -      ACCESS -      INUSE  -',
  '-      INUSE  -      ACCESS INUSE  INUSE',
  'INUSE  -      -      -      INUSE  -',
  '-      INUSE  -      -      INUSE  INUSE',
  'INUSE  ACCESS ACCESS ACCESS INUSE  ACCESS',
  '-      INUSE  -      ACCESS INUSE  INUSE',
];

/** Wine 8.0, which does not tell wildcard from specific. */
const WINE = [
  'INUSE INUSE ACCESS ACCESS INUSE INUSE',
  'INUSE INUSE - - INUSE INUSE',
  'ACCESS ACCESS ACCESS ACCESS ACCESS ACCESS',
].flatMap((row) => [row, row]);

function bindBoth(profile: ProfileName, first: [Option, Place], second: [Option, Place]): number {
  const platform = simulatePlatform({ profile });
  const registry = new PortRegistry();
  const bind = (number: number, [option, place]: [Option, Place]): number => {
    const socket = new SimulatedSocket(number, platform, 4);
    socket.reuses = option === 'reuse';
    socket.exclusive = option === 'exclusive';
    return registry.bind(socket, place === 'wildcard' ? anyAddress(4, PORT) : loopbackAddress(4, PORT));
  };
  expect(bind(1, first), 'the first bind').to.equal(0);
  return bind(2, second);
}

describe('a second bind to a port', () => {
  const calls = OPTIONS.flatMap((option) => PLACES.map((place): [Option, Place] => [option, place]));
  for (const [profile, table] of [
    ['windows', WINDOWS],
    ['wine', WINE],
  ] as const) {
    for (const [row, first] of calls.entries()) {
      it(`behind one with ${first.join(', ')}, ${profile}`, () => {
        const cells = table[row]?.split(/ +/) ?? [];
        expect(cells).to.have.lengthOf(calls.length);
        for (const [column, second] of calls.entries())
          expect(bindBoth(profile, first, second), second.join()).to.equal(RESULTS[cells[column] ?? '']);
      });
    }
  }
});
