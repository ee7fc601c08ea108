/** The text that waiter threads run: it must need nothing that only its module has. */
import { expect } from 'chai';
import { runInNewContext } from 'node:vm';
import { EVENT_PROGRAM } from '../../src/wait/event-program.ts';
import { PORT_PROGRAM } from '../../src/wait/port-program.ts';
import {
  CONTROL_WORDS,
  endStartup,
  PERMIT_PROTOCOL,
  grantPermit,
  stopPermits,
  READY,
  takeCount,
} from '../../src/wait/wait-permit.ts';
import { POLL_PROGRAM } from '../../src/wsapoll/poll-program.ts';
import { POLL_WORDS } from '../../src/wsapoll/poll-waiter.ts';

type Call = (...args: number[]) => number;

/** Runs a program where there is nothing but JavaScript, this data, and a koffi that has these functions. */
function run(
  program: string,
  data: object,
  functions: Record<string, Call>,
  control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS)),
): { posted: unknown[]; count: number } {
  const posted: unknown[] = [];
  const koffi = {
    load: (dll: string) => ({ func: (name: string) => functions[`${dll} ${name}`] }),
    view: () => new Uint32Array([5]).buffer,
  };
  const modules: Record<string, unknown> = {
    'node:module': { createRequire: () => (file: string) => (file === 'Z:\\koffi.node' ? koffi : missing(file)) },
    'node:worker_threads': {
      parentPort: {
        postMessage: (message: unknown) => {
          posted.push(message);
          if (message !== READY) stopPermits(control);
        },
      },
      workerData: { ...data, control, protocol: PERMIT_PROTOCOL, koffi: ['Z:\\gone.node', 'Z:\\koffi.node'] },
    },
  };
  grantPermit(control);
  runInNewContext(program, { process: { getBuiltinModule: (name: string) => modules[name] } });
  return { posted, count: takeCount(control) };
}

function missing(file: string): never {
  throw new Error(`There is no ${file}`);
}

const from = (dll: string, declaration: string): object => ({ dll, declaration });

describe('wait/waiter-program', () => {
  const port = {
    GetQueuedCompletionStatusEx: from('kernel32.dll', 'get'),
    GetLastError: from('kernel32.dll', 'error'),
    ...{ port: 44, entriesAddress: 0x1000, capacity: 128, countAddress: 0x2000, sliceMs: 1000, timeoutCode: 258 },
  };

  it('of a port waits again after a timeout, and wakes the loop with the count of packets', () => {
    const answers = [0, 1];
    const get = (...args: number[]): number => {
      expect(args).to.deep.equal([44, 0x1000, 128, 0x2000, 1000, 0]);
      return answers.shift()!;
    };
    const functions = { 'kernel32.dll get': get, 'kernel32.dll error': () => 258 };
    expect(run(PORT_PROGRAM, port, functions)).to.deep.equal({ posted: [READY, null], count: 5 });
  });

  it('of a port ends with what failed', () => {
    const functions = { 'kernel32.dll get': () => 0, 'kernel32.dll error': () => 6 };
    const failure = { syscall: 'GetQueuedCompletionStatusEx', systemErrorCode: 6 };
    expect(run(PORT_PROGRAM, port, functions)).to.deep.equal({ posted: [READY, failure], count: 0 });
  });

  const event = {
    WaitForSingleObject: from('kernel32.dll', 'wait'),
    GetLastError: from('kernel32.dll', 'error'),
    ...{ event: 48, sliceMs: 1000, signaledCode: 0, timeoutCode: 258 },
  };

  it('of an event waits again after a timeout, and wakes the loop when it is signaled', () => {
    const answers = [258, 0];
    const functions = { 'kernel32.dll wait': () => answers.shift()!, 'kernel32.dll error': () => 0 };
    expect(run(EVENT_PROGRAM, event, functions)).to.deep.equal({ posted: [READY, null], count: 1 });
  });

  it('of an event ends with what failed', () => {
    const functions = { 'kernel32.dll wait': () => 0xffffffff, 'kernel32.dll error': () => 6 };
    const failure = { syscall: 'WaitForSingleObject', systemErrorCode: 6 };
    expect(run(EVENT_PROGRAM, event, functions)).to.deep.equal({ posted: [READY, failure], count: 0 });
  });

  const sockets = {
    WSAPoll: from('ws2_32.dll', 'poll'),
    WSAGetLastError: from('ws2_32.dll', 'error'),
    ...{ words: POLL_WORDS, sliceMs: 1000, notSocketCode: 10038 },
  };

  it('of polled sockets waits again when nothing is found, and wakes the loop when something is found', () => {
    const answers = [0, 2];
    const functions = { 'ws2_32.dll poll': () => answers.shift()!, 'ws2_32.dll error': () => 0 };
    expect(run(POLL_PROGRAM, sockets, functions)).to.deep.equal({ posted: [READY, null], count: 2 });
  });

  it('of polled sockets wakes the loop when one of them was closed, and ends with what failed otherwise', () => {
    const closed = { 'ws2_32.dll poll': () => -1, 'ws2_32.dll error': () => 10038 };
    expect(run(POLL_PROGRAM, sockets, closed)).to.deep.equal({ posted: [READY, null], count: 1 });
    const failed = { 'ws2_32.dll poll': () => -1, 'ws2_32.dll error': () => 10022 };
    const failure = { syscall: 'WSAPoll', systemErrorCode: 10022 };
    expect(run(POLL_PROGRAM, sockets, failed)).to.deep.equal({ posted: [READY, failure], count: 0 });
  });

  it('leaves koffi alone once the process ends, and says when it is out of it', () => {
    const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
    endStartup(control);
    expect(run(PORT_PROGRAM, port, {}, control)).to.deep.equal({ posted: [], count: 0 });

    const { STARTUP, UNDER_WAY, OVER } = PERMIT_PROTOCOL;
    for (const fails of [false, true]) {
      const words = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
      const load = (): Call => {
        expect(words[STARTUP]).to.equal(UNDER_WAY);
        if (fails) throw new Error('no such function');
        return () => 1;
      };
      const functions = new Proxy({}, { get: load });
      const start = (): unknown => run(PORT_PROGRAM, port, functions, words);
      if (fails) expect(start).to.throw('no such function');
      else start();
      expect(words[STARTUP]).to.equal(OVER);
    }
  });

  it('can be a module as well as a script: NODE_OPTIONS may say --input-type=module', () => {
    for (const program of [PORT_PROGRAM, EVENT_PROGRAM, POLL_PROGRAM]) {
      expect(program).to.not.match(/\b(require\(|import\b|exports\b|__name\b)/);
    }
  });
});
