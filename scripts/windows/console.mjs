// What a console gives a Windows program, for one that runs under Wine without any: what is typed, and Ctrl+C.
//
// A Linux pipe or terminal as a standard handle is no use to node.exe there: libuv cannot make a stream of it, and a read that
// waits on it can neither be cancelled nor outlived. So its process.stdin is a connection to us (test/wine/console.cjs is the
// other end), and so is the way of a Ctrl+C, which Wine has no console for. Descriptor 0 is our own, for fs.readFileSync(0).
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';

/** An interrupt that nobody has answered for so long, and another one: the process is past listening. npm doubles each. */
const REPEAT_MS = 500;
/** A process that is not connected after this, does not do so: it is no node.exe, or too busy for anything. */
const CONNECTS_MS = 5000;

/**
 * What became of an interrupt: the process had a listener for SIGINT, or none, or does not answer.
 * @typedef {'heard' | 'nobody' | 'stuck'} Answer
 */

/**
 * @typedef {object} WineConsole
 * @property {NodeJS.ProcessEnv} env tells the process where we are
 * @property {() => Promise<Answer>} interrupt
 * @property {() => void} close
 */

/** @returns {Promise<WineConsole>} */
export async function openConsole() {
  const token = randomUUID(); // other users of this machine reach the port too
  /** @type {import('node:net').Socket | undefined} */
  let signals;
  /** @type {((answer: Answer) => void)[]} */
  let waiting = [];
  let askedAt = -Infinity;
  /** @type {Answer} */
  let latest = 'nobody';
  /** @param {Answer} answer */
  const tell = (answer) => {
    latest = answer;
    for (const resolve of waiting.splice(0)) resolve(answer);
  };

  const giveUp = () => {
    if (signals === undefined) tell('nobody');
  };

  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the process has ended: what it did not read is nobody's
    let line = '';
    const readPurpose = () => {
      // A byte at a time, since what follows the line belongs to whom the line is for.
      for (let byte = socket.read(1); byte !== null; byte = socket.read(1)) {
        if (String(byte) !== '\n') line += String(byte);
        else {
          socket.off('readable', readPurpose);
          if (line === `${token} input`) handInput(socket);
          else if (line === `${token} signals`) takeSignals(socket);
          else socket.destroy();
          return;
        }
      }
    };
    socket.on('readable', readPurpose);
  });

  /** @param {import('node:net').Socket} socket */
  function takeSignals(socket) {
    signals = socket;
    // One letter for each SIGINT: h for heard, n for nobody.
    socket.setEncoding('latin1').on('data', (said) => {
      tell(String(said).includes('n') ? 'nobody' : 'heard');
    });
    socket.on('close', () => {
      signals = undefined;
      tell('heard'); // it has ended
    });
    if (waiting.length > 0) socket.write('SIGINT\n');
  }

  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.unref();
  return {
    env: { IOCP_PAL_CONSOLE: `${port} ${token}` },
    interrupt() {
      const now = performance.now();
      const repeated = now - askedAt > REPEAT_MS;
      if (repeated && waiting.length > 0) {
        tell('stuck');
        return Promise.resolve('stuck');
      }
      if (!repeated && waiting.length === 0) return Promise.resolve(latest); // the same one, which has been answered
      if (repeated) {
        askedAt = now;
        if (signals !== undefined) signals.write('SIGINT\n');
        else setTimeout(giveUp, CONNECTS_MS).unref();
      }
      return new Promise((resolve) => void waiting.push(resolve));
    },
    close() {
      server.close();
      waiting = [];
      // It would keep us alive; whoever called us may still want what comes after.
      process.stdin.pause();
      if ('unref' in process.stdin) process.stdin.unref(); // a file has none
    },
  };
}

/**
 * Only now, when the process asks for its input: until then it stays ours, unread.
 * @param {import('node:net').Socket} socket
 */
function handInput(socket) {
  process.stdin.pipe(socket);
  socket.on('close', () => {
    process.stdin.unpipe(socket).pause();
  });
}
