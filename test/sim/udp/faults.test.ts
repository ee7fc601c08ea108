/** Every datagram call and packet fails with every code that it may have: told once where it is told at all, and nothing is left. */
import { expect } from 'chai';
import { ntStatusToWinsockError } from '../../../ffi/ntstatus.ts';
import { describeSystemError } from '../../../ffi/system-error.ts';
import { createNetworkPal } from '../../../src/index.ts';
import {
  CALL_FAULTS,
  simulateNetwork,
  STATUS_FAULTS,
  type PlannedFault,
  type ProfileName,
} from '../../../src/sim/index.ts';
import { isUnreachable } from '../../../src/util/errors.ts';
import { expectNothingLeft } from '../support/nothing-left.ts';

/** An exchange is tried with so many seeds, until one meets its fault: a send that succeeds at once never does. */
const SEEDS = 20;

interface Outcome {
  readonly received: string[];
  readonly sent: string[];
  readonly unreachable: number;
  /** The fault has happened. */
  readonly met: boolean;
}

/** Three datagrams from one socket to another, with as many receives as it takes. */
async function exchange(
  fault: PlannedFault,
  profile: ProfileName,
  reportUnreachable: boolean,
  seed: number,
): Promise<Outcome> {
  const network = simulateNetwork({ seed });
  // Room for one datagram at a time: the first is sent at once, and the system keeps the next until its packet.
  const platform = network.platform({ profile, keepAlive: true, sendBufferSize: 1, faults: { plan: [fault] } });
  const pal = createNetworkPal({ platform, strict: true, maxOperations: 256 });
  pal.initialize();
  const ended = pal.runEventLoop();
  const server = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable });
  const client = pal.createUdpSocket('127.0.0.1', 0, { reportUnreachable });
  const received: string[] = [];
  const sent: string[] = [];
  const buffer = Buffer.alloc(16);
  const next = (): void => {
    pal.asyncReceiveFrom(server.handle, buffer, 16, (error, bytes) => {
      received.push(error?.code ?? buffer.toString('latin1', 0, bytes));
      if (received.length < 12 && error?.code !== 'ECANCELED') next();
    });
  };
  next();
  network.run();
  for (const text of ['a', 'b', 'c']) {
    pal.asyncSendTo(client.handle, Buffer.from(text), server, (error) => sent.push(error?.code ?? text));
  }
  network.run();
  const { unreachableReports: unreachable } = pal.stats();
  void pal.stopEventLoop();
  await network.settle();
  await ended;
  expectNothingLeft(platform);
  expect(received.pop(), 'the receive that was pending at the stop').to.equal('ECANCELED');
  return { received, sent, unreachable, met: platform.faults?.met === 1 };
}

async function exchangeThatMeets(fault: PlannedFault, profile: ProfileName, report: boolean): Promise<Outcome> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await exchange(fault, profile, report, seed);
    if (outcome.met) return outcome;
  }
  throw new Error(`The fault never happened in ${SEEDS} exchanges`);
}

function check(fault: PlannedFault, code: number, of: 'WSARecvFrom' | 'WSASendTo'): void {
  const { code: word } = describeSystemError(code);
  for (const profile of ['windows', 'wine'] as const) {
    for (const report of [false, true]) {
      it(`${word}, ${profile}${report ? ', reported' : ''}`, async () => {
        const { received, sent, unreachable } = await exchangeThatMeets(fault, profile, report);
        const isSilent = isUnreachable(code) && !report;
        const failed = of === 'WSASendTo' ? sent : received;
        expect(failed.filter((text) => text === word)).to.have.lengthOf(isSilent ? 0 : 1);
        const lost = of === 'WSASendTo' && !isSilent ? 1 : 0;
        expect(received.filter((text) => text !== word)).to.have.lengthOf(3 - lost);
        expect(sent).to.have.lengthOf(3);
        expect(unreachable).to.equal(isUnreachable(code) ? 1 : 0);
      });
    }
  }
}

for (const call of ['WSARecvFrom', 'WSASendTo'] as const) {
  describe(`${call} that fails at once`, () => {
    for (const code of CALL_FAULTS[call]) check({ call, nth: 2, code }, code, call);
  });
}

for (const operation of ['WSARecvFrom', 'WSASendTo'] as const) {
  describe(`${operation} with a packet that says`, () => {
    for (const status of STATUS_FAULTS[operation])
      check({ operation, nth: 1, status }, ntStatusToWinsockError(status), operation);
  });
}
