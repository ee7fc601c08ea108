/**
 * A test of a program for sockets that needs neither a network nor time: node seeded-test.ts
 *
 * The program takes from where its sockets come. Its tests give it a simulated network, whose seed decides what a real one leaves
 * open: which packet comes first, where a message is cut, which datagram is lost. A seed that fails fails again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection, Network } from '../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { simulate } from '../../src/simulation/index.ts'; // in your project: from 'iocp-pal/sim'

/** The program: answers each line with the number of its words, and says good-bye to who is silent for half a minute. */
async function serveWordCounts({ listen }: Pick<Network, 'listen'>, port: number): Promise<void> {
  const server = await listen({ port });
  await server.serve(async (connection: Connection) => {
    try {
      for await (const line of connection.lines({ timeout: 30_000 })) {
        await connection.write(`${line.split(/\s+/).filter(Boolean).length}\n`);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') throw error;
      await connection.write('good-bye\n');
    }
  });
}

for (let seed = 0; seed < 25; seed++) {
  void test(`counts the words of each line, seed ${seed}`, async () => {
    const { listen, connect, sleep, now, close } = simulate({ seed });
    const serving = serveWordCounts({ listen }, 7007);
    const client = await connect({ port: 7007 });
    const answers = client.lines();
    for (const [line, words] of [
      ['one two three', '3'],
      ['', '0'],
      ['four', '1'],
    ]) {
      await client.write(`${line}\n`);
      assert.equal((await answers.next()).value, words);
    }
    await sleep(29_000); // no real time
    await client.write('still here\n');
    assert.equal((await answers.next()).value, '2');
    const before = now();
    assert.equal((await answers.next()).value, 'good-bye');
    assert.ok(now() - before >= 30_000);
    assert.equal((await answers.next()).done, true);
    await close();
    await serving;
  });
}
