/** iocp-pal/promises as it is imported: on this thread's own PAL on Windows, and on node:net elsewhere. */
import { expect } from 'chai';
import { connect, listen } from '../../src/promises/index.ts';

describe('the entry iocp-pal/promises', () => {
  it('listens and connects without anything that has to be started, more than once', async () => {
    for (let round = 0; round < 2; round++) {
      const server = await listen();
      const echoing = (async () => {
        for await (const connection of server) {
          for await (const chunk of connection) await connection.write(chunk);
          await connection.close();
        }
      })();
      const client = await connect({ port: server.port });
      await client.write('hello');
      expect(String(await client.readExactly(5))).to.equal('hello');
      await client.closeWrite();
      expect(await client.readExactly(1)).to.equal(null);
      await client.close();
      await server[Symbol.asyncDispose]();
      await echoing;
    }
  });
});
