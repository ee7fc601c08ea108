// npm run soak: what it takes to run test/soak/run.ts here.
import { ensureInstalled } from '../../scripts/setup.mjs';
import { hostStripsTypes } from '../../scripts/wine.mjs';

const { windowsReady, reason } = await ensureInstalled({ windows: true });
if (!windowsReady) {
  console.error(reason);
  process.exit(1);
}
if (!hostStripsTypes) await import('../../scripts/types/register.mjs');
await import('./run.ts');
