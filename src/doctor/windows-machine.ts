/** The Windows that this process runs on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadCatalogFunctions } from '../../ffi/catalog.ts';
import { loadKoffi } from '../../ffi/koffi.ts';
import type { Platform } from '../platform/platform.ts';
import { windowsPlatform } from '../windows/windows-platform.ts';
import { readCatalog } from './catalog.ts';
import type { Machine } from './machine.ts';
import { portFacts } from './port-facts.ts';
import { koffiFacts, limitFacts, waiterThreadFacts, systemFacts } from './system-facts.ts';

export function windowsMachine(): Machine {
  const platform = (): Platform => windowsPlatform();
  return {
    simulated: false,
    platform,
    catalog: () => readCatalog(loadCatalogFunctions(loadKoffi()), platform()),
    async facts() {
      const [ports, waiterThread] = await Promise.all([portFacts(), waiterThreadFacts()]);
      return {
        system: { ...systemFacts(), ...koffiFacts() },
        limits: limitFacts(platform()),
        'dynamic ports': ports,
        'waiter thread': waiterThread,
      };
    },
    async withFile(bytes, use) {
      const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-doctor-'));
      try {
        const file = path.join(folder, 'file.bin');
        writeFileSync(file, bytes);
        return await use(file);
      } finally {
        try {
          rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
        } catch {
          // Something (an antivirus product) still has it open. It is in the temporary folder, and small.
        }
      }
    },
  };
}
