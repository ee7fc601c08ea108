/** How connections end: one side at a time, by reset, and before they have begun. */
import { connect, errorOf, read, readExactly, withPair, write } from './pal-promises.ts';
import { expectSame, StepFailure, type Step } from './step.ts';

export const halfClose: Step = {
  name: 'half-close',
  advice: 'A product that filters TCP traffic (antivirus, VPN, proxy) may be closing both directions at once',
  run: ({ pal }) =>
    withPair(pal, async (server, client) => {
      await write(pal, client, Buffer.from('question'));
      pal.shutdown(client, 'send');
      expectSame('what the server read', String(await readExactly(pal, server, 8)), 'question');
      expectSame('bytes after the end of the stream', (await read(pal, server, 16)).length, 0);
      await write(pal, server, Buffer.from('answer'));
      pal.shutdown(server, 'send');
      expectSame('what the client read', String(await readExactly(pal, client, 6)), 'answer');
      expectSame('bytes after the end of the answer', (await read(pal, client, 16)).length, 0);
      return 'an answer came after the end of the question';
    }),
};

export const reset: Step = {
  name: 'reset',
  advice: 'A product that filters TCP traffic may be turning a reset into an ordinary end of the connection',
  run: ({ pal }) =>
    withPair(pal, async (server, client) => {
      const reading = errorOf(read(pal, server, 16), 'a read of a connection that was reset');
      pal.resetSocket(client);
      expectSame('the code of the read', (await reading).code, 'ECONNRESET');
      return 'the peer gets ECONNRESET';
    }),
};

/** Windows repeats the SYN for 2 s when it does not know SIO_TCP_INITIAL_RTO; a machine that is merely busy takes less. */
const REFUSED_SLOWLY_MS = 1500;
/** A machine that is very busy is late once, a repeated SYN always. */
const REFUSED_TRIES = 2;

export const refused: Step = {
  name: 'refused connect',
  advice:
    'A firewall or antivirus product may be dropping what it should refuse, or answering for ports nobody listens on',
  run: ({ pal, now }) =>
    withPair(pal, async (_server, client) => {
      // A client's port: nobody listens on it, and the system gives it to nobody else meanwhile, as it may one that was closed.
      const port = pal.getLocalPort(client);
      let ms = Infinity;
      for (let tries = 0; tries < REFUSED_TRIES && ms >= REFUSED_SLOWLY_MS; tries++) {
        const begun = now();
        const { code } = await errorOf(connect(pal, port), 'a connect to a port that nobody listens on');
        ms = Math.round(now() - begun);
        expectSame('the code of the connect', code, 'ECONNREFUSED');
      }
      if (ms >= REFUSED_SLOWLY_MS) {
        throw new StepFailure(
          `ECONNREFUSED came after ${ms} ms, so Windows has tried again for 2 s`,
          'SIO_TCP_INITIAL_RTO has no effect here: it needs Windows 10 1709 or Server 2019, and no layered provider in ' +
            'between. Everything works, but connecting to a closed port of this machine takes 2 s: keep timeouts longer',
        );
      }
      return `ECONNREFUSED after ${ms} ms`;
    }),
};
