import echo from '../echo.cjs';

/**
 * One echo, and a read that times out: what the library does in turns, and what it measures time for.
 * @param {typeof import('iocp-pal')} iocpPal
 * @param {import('iocp-pal').PalOptions} options
 */
export async function echoAndTimeOut(iocpPal, options) {
  await echo(iocpPal, options);
  const pal = iocpPal.createNetworkPal(options);
  pal.initialize();
  const ended = pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0);
  const code = await new Promise((resolve, reject) => {
    pal.asyncConnect('127.0.0.1', server.port, {}, (error, client) => {
      if (error !== null) return reject(error);
      // Nobody writes.
      pal.asyncRead(client, Buffer.alloc(1), 1, { timeout: 20 }, (failure) => resolve(failure?.code));
    });
  });
  await pal.stopEventLoop();
  await ended;
  expect(code).toBe('ETIMEDOUT');
}

/** Everything that vi.useFakeTimers() can put its own in the place of; vitest refuses nextTick in a process of its own. */
export const everything = () => [
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'],
  ...['Date', 'performance', 'hrtime', 'queueMicrotask', ...(process.send === undefined ? ['nextTick'] : [])],
];
