import { createRequire } from 'node:module';
import * as iocpPal from 'iocp-pal';
import { echoAndTimeOut } from './echoes.mjs';

// Left to Node.js, the package is one instance for import and require; inlined, vite has made another of the ES modules.
test('is loaded as the project says', () => {
  const { createNetworkPal } = createRequire(import.meta.url)('iocp-pal');
  expect(String(iocpPal.createNetworkPal !== createNetworkPal)).toBe(process.env['INLINED']);
});

for (const waiter of ['worker', 'inline']) test(waiter, () => echoAndTimeOut(iocpPal, { waiter }));
