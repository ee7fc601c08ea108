/** What the simulated platform does not simulate, it says, instead of doing something else. */
import { expect } from 'chai';
import { createNetworkPal } from '../../../src/index.ts';
import { simulatePlatform, SimulationError } from '../../../src/sim/index.ts';

/** The first handle of a process that stays open: the PAL's port. */
const PORT = 0x1c0;

describe('the simulated platform says what it does not simulate', () => {
  it('a wait for packets that would block the thread', () => {
    const { kernel32 } = simulatePlatform();
    const port = kernel32.CreateIoCompletionPort(-1, 0, 0, 0);
    const entries = kernel32.VirtualAlloc(0, 4096, 0, 0);
    const wait = (ms: number): number => kernel32.GetQueuedCompletionStatusEx(port, entries, 1, entries + 4000, ms, 0);
    expect(port).to.equal(PORT);
    expect(wait(0)).to.equal(0);
    for (const ms of [1, 0xffffffff]) expect(() => wait(ms)).to.throw(SimulationError, 'would block the thread');
  });

  it('datagrams on a socket that skips packets', () => {
    const platform = simulatePlatform({ seed: 0, keepAlive: true });
    const pal = createNetworkPal({ platform, strict: true, maxOperations: 64 });
    pal.initialize();
    void pal.runEventLoop();
    const socket = pal.createUdpSocket('127.0.0.1', 0);
    const receive = (): void => void pal.asyncReceiveFrom(socket.handle, new Uint8Array(8), 8, () => undefined);
    receive();
    platform.run();
    const [io] = platform.ledger;
    if (io === undefined) throw new Error('No receive waits');
    platform.kernel32.SetFileCompletionNotificationModes(io.socket.number, 1);
    expect(() => {
      pal.asyncSendTo(socket.handle, new Uint8Array(1), socket, () => undefined);
      platform.run();
    }).to.throw(SimulationError, 'WSASendTo on a socket that skips packets');
  });
});
