/** Datagrams, a file, and a call that is taken back. */
import { NetworkErrorCode } from '../../pal/network-error-code.ts';
import type { UdpHandle } from '../../pal/handles.ts';
import type { NetworkPal } from '../../pal/network-pal.ts';
import { setTimeout } from '../../platform/node-timers.ts';
import { errorOf, LOOPBACK, outcomeOf, readExactly, receiveFrom, sendTo, withPair, write } from './pal-promises.ts';
import { expectSame, type Step } from './step.ts';

const DATAGRAMS = 20;
/** A datagram may be lost, also on this machine: a busy one drops what finds no room. */
const ATTEMPTS = 5;
const ANSWER_MS = 1000;

export const datagrams: Step = {
  name: 'datagrams',
  advice: 'A firewall may be dropping UDP on 127.0.0.1',
  async run({ pal }) {
    const server = pal.createUdpSocket(LOOPBACK, 0);
    const client = pal.createUdpSocket(LOOPBACK, 0);
    const serving = serve(pal, server.handle);
    let sent = 0;
    for (let index = 0; index < DATAGRAMS; index++) {
      const message = `datagram ${index}`;
      let answer: string | null = null;
      for (let attempt = 0; attempt < ATTEMPTS && answer !== message; attempt++) {
        sent++;
        await sendTo(pal, client.handle, Buffer.from(message), { address: LOOPBACK, port: server.port });
        answer = String((await receiveFrom(pal, client.handle, ANSWER_MS))?.data ?? '');
      }
      expectSame(`the answer to datagram ${index}`, answer, message);
    }
    pal.closeSocket(client.handle);
    pal.closeSocket(server.handle);
    await serving;
    return `${DATAGRAMS} came back, of ${sent} sent`;
  },
};

/** Sends back what comes until the socket is closed. */
async function serve(pal: NetworkPal, socket: UdpHandle): Promise<void> {
  for (;;) {
    const received = await receiveFrom(pal, socket, ANSWER_MS).catch(() => undefined);
    if (received === undefined) return;
    if (received !== null) await sendTo(pal, socket, received.data, received.peer).catch(() => 0);
  }
}

/** More than one piece of a TransmitFile. */
const FILE_BYTES = 1_500_000;

export const file: Step = {
  name: 'a file',
  advice: 'The temporary folder must be writable; a file filter (antivirus, backup) may be in the way of TransmitFile',
  run({ pal, withFile }) {
    const bytes = Buffer.alloc(FILE_BYTES);
    for (let at = 0; at + 4 <= FILE_BYTES; at += 4) bytes.writeUInt32LE(Math.imul(at + 1, 0x9e3779b1) >>> 0, at);
    return withFile(bytes, (path) =>
      withPair(pal, async (server, client) => {
        const sending = outcomeOf<number>((callback) => pal.asyncSendFile(server, path, {}, callback));
        const reading = readExactly(pal, client, FILE_BYTES);
        expectSame('bytes sent', await sending, FILE_BYTES);
        if (!(await reading).equals(bytes)) throw new Error('the file came with other bytes than it has');
        return `${FILE_BYTES} bytes came as they are`;
      }),
    );
  },
};

export const cancel: Step = {
  name: 'cancel',
  advice: 'CancelIoEx is not honoured by the provider: see "providers" above for what is layered over TCP',
  run: ({ pal }) =>
    withPair(pal, async (server, client) => {
      const reading = outcomeOf<number>((callback) => {
        const operation = pal.asyncRead(server, Buffer.alloc(16), 16, callback);
        // In a later turn, when the system has it.
        setTimeout(() => pal.cancel(operation), 20);
      });
      const { kind } = await errorOf(reading, 'a read that was cancelled');
      expectSame('the kind of the error', kind, NetworkErrorCode.Interrupted);
      await write(pal, client, Buffer.from('after'));
      expectSame('what the next read got', String(await readExactly(pal, server, 5)), 'after');
      return 'the read ended, and the next one lost nothing';
    }),
};
