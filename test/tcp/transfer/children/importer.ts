/**
 * A process that is told, line by line on its input, to import a socket, and answers each with a line on its output. An
 * empty line asks how many connections it has accepted, and by which calls; 'describe', what it has open.
 * Imported connections, and those of imported servers, are echoed.
 */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { createNetworkPal, type SocketInfo } from '../../../../src/index.ts';
import { echo } from '../../../support/io.ts';

const pal = createNetworkPal({ strict: true });
pal.initialize();
void pal.runEventLoop();
let accepted = 0;
const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

function take(info: SocketInfo): void {
  if (info.kind === 'iocp-pal/connection') {
    echo(pal, pal.importSocket(info)).catch(() => undefined);
    return;
  }
  const server = pal.importServer(info);
  const accept = (): void =>
    void pal.asyncAccept(server.handle, (error, socket) => {
      if (error !== null) return;
      accepted++;
      echo(pal, socket).catch(() => undefined);
      accept();
    });
  accept();
}

createInterface(process.stdin)
  .on('line', (line) => {
    if (line === 'describe') return say({ text: pal.describe() });
    if (line === '') return say({ accepted, calls: pal.stats().syscalls });
    try {
      take(JSON.parse(line) as SocketInfo);
      say({ imported: true });
    } catch (error) {
      say({ code: (error as { code?: string }).code ?? String(error) });
    }
  })
  .on('close', () => {
    void pal.stopEventLoop().then(() => process.exit(0));
  });
say({ pid: process.pid });
