/**
 * The demo, `npm start`: an echo server and 1000 clients on completion ports, in one process and on one PAL. Every
 * client sends 20 messages of 512 random bytes and checks every byte that comes back.
 *
 * server.ts and client.ts are the two sides; the rest is options, progress and the table at the end.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { createNetworkPal, type NetworkPal, type NetworkStats } from '../src/index.ts'; // in your project: 'iocp-pal'
import { EchoClient } from './client.ts';
import { monitor } from './monitor.ts';
import { HELP, parseOptions, UsageError, type EchoOptions } from './options.ts';
import { report, type Outcome } from './report.ts';
import { startEchoServer } from './server.ts';
import { Tally } from './tally.ts';

/** Failures that are told one by one; of more, only the number. */
const FAILURES_SHOWN = 10;
/** Clients that send their first message in one turn: a real crowd does not start at one instant either. */
const STARTED_PER_TURN = 32;
/** How often to look whether the server has taken the last connection. */
const ACCEPT_POLL_MS = 5;

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) console.log(HELP);
  else process.exitCode = await main(options);
} catch (error) {
  // Without a stack where the message says it all: wrong options, or no Windows to run on.
  const expected = error instanceof UsageError || (error instanceof Error && error.name === 'NetworkError');
  console.error(expected ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main(options: EchoOptions): Promise<number> {
  const { connections, messages, size, seed, waiter, skip } = options;
  const pal = createNetworkPal({ waiter, skipCompletionPortOnSuccess: skip });
  pal.initialize();
  console.log(
    `iocp-pal echo: ${connections} connections, ${messages} messages of ${size} bytes each, ` +
      `seed ${seed}, ${waiter} waiter`,
  );
  process.once('SIGINT', () => {
    console.error('\nInterrupted: closing what is open');
    void pal.stopEventLoop().then(() => process.exit(130));
  });
  const looping = pal.runEventLoop();
  const tally = new Tally();
  const stopWatching = monitor(pal, options, tally, (state) => {
    console.error(
      `\nFAILED: nothing has moved for 30 s, with ${tally.connected} of ${connections} connections made and ` +
        `${tally.messages} of ${connections * messages} messages back. What is open:\n${state}`,
    );
    process.exit(1);
  });
  const outcome = await run(pal, options, tally);
  stopWatching();
  const left = pal.stats();
  await pal.stopEventLoop();
  await looping;
  console.log(report(outcome));
  return judge(outcome, left);
}

async function run(pal: NetworkPal, options: EchoOptions, tally: Tally): Promise<Outcome> {
  const server = startEchoServer(pal, options.connections, options.size);
  const clients = Array.from(
    { length: options.connections },
    (_, index) => new EchoClient(pal, options, tally, index + 1),
  );
  const begun = performance.now();
  await Promise.all(clients.map((client) => client.connect(server.port)));
  const connected = performance.now();
  // A connection is open for the client before the server has accepted it. Should one never be, the monitor ends this.
  while (pal.stats().accepted < tally.connected) await sleep(ACCEPT_POLL_MS);
  const before = pal.stats();
  const started = performance.now();
  await exchangeAll(clients);
  const exchanged = performance.now();
  const after = pal.stats();
  await Promise.all(clients.map((client) => client.close()));
  await new Promise<void>((closed) => {
    pal.closeSocket(server.handle, closed);
  });
  return {
    options,
    tally,
    before,
    after,
    connectSeconds: (connected - begun) / 1000,
    exchangeSeconds: (exchanged - started) / 1000,
  };
}

async function exchangeAll(clients: readonly EchoClient[]): Promise<void> {
  const exchanges: Promise<void>[] = [];
  for (let first = 0; first < clients.length; first += STARTED_PER_TURN) {
    for (const client of clients.slice(first, first + STARTED_PER_TURN)) exchanges.push(client.exchange());
    await nextTurn();
  }
  await Promise.all(exchanges);
}

/** Says whether all went well, and returns the exit code. */
function judge({ options, tally }: Outcome, left: NetworkStats): number {
  const { failures } = tally;
  const missing = options.connections * options.messages - tally.messages;
  if (left.droppedPackets > 0) failures.push(`the library dropped ${left.droppedPackets} packets that it did not know`);
  if (missing > 0 && failures.length === 0) failures.push(`${missing} messages did not come back`);
  if (failures.length === 0) {
    console.log('\nOK: every byte came back as it was sent');
    return 0;
  }
  const rest = failures.length - FAILURES_SHOWN;
  const lines = [...failures.slice(0, FAILURES_SHOWN), ...(rest > 0 ? [`and ${rest} more`] : [])];
  console.error(`\nFAILED: ${missing} messages are missing\n${lines.map((line) => `  ${line}`).join('\n')}`);
  return 1;
}
