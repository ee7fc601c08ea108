/** Nothing keeps doctor for ever: neither a promise, nor a thread that is stuck. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { DeadlineError, WATCHDOG_SOURCE, withDeadline } from '../../src/doctor/deadline.ts';

describe('the deadlines of doctor', () => {
  it('pass on what comes in time', async () => {
    expect(await withDeadline(Promise.resolve(7), 10_000, 'it')).to.equal(7);
    const failure = new Error('failed');
    expect(await withDeadline(Promise.reject(failure), 10_000, 'it').catch((error: unknown) => error)).to.equal(
      failure,
    );
  });

  it('end what does not, by its name', async () => {
    const never = new Promise<never>(() => undefined);
    const error: unknown = await withDeadline(never, 20, '"a step"').catch((error: unknown) => error);
    expect(error).to.be.instanceOf(DeadlineError).with.property('message', '"a step" did not end within 0.02 s');
  });

  it('end a process whose thread is stuck, with a message', async function () {
    const script = `
      const done = new Int32Array(new SharedArrayBuffer(4));
      const { Worker } = require('node:worker_threads');
      const watchdog = new Worker(${JSON.stringify(WATCHDOG_SOURCE)},
        { eval: true, workerData: { done, ms: 200, message: 'stuck for too long' } });
      watchdog.once('online', () => { for (;;); });`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect(stderr).to.equal('stuck for too long');
    if (process.platform === 'win32') expect(code).to.equal(1);
    else expect(signal).to.equal('SIGKILL');
  });
});
