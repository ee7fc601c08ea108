// npm run bench: what it takes to run benchmarks/main.ts here. The benchmarks have a Wine prefix of their own, since each
// measurement starts with a fresh wineserver, and must not take anybody else's away.
import { homedir } from 'node:os';
import path from 'node:path';

process.env['WINEPREFIX'] ??= path.join(
  process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
  'iocp-pal-bench-wine',
);

// Only now: these read the variable when they are loaded.
const { ensureInstalled } = await import('../scripts/setup.mjs');
const { hostStripsTypes } = await import('../scripts/wine.mjs');

const { windowsReady, reason } = await ensureInstalled({ windows: true });
if (!windowsReady) {
  console.error(reason);
  process.exit(1);
}
if (!hostStripsTypes) await import('../scripts/types/register.mjs');
await import('./main.ts');
