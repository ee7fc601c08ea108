/** The file that send-file's servers send. It is in the system's cache by the time it is measured. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FILE_BYTES } from './settings.ts';

/** Writes it, and removes it when the process ends. Returns its path. */
export function makeSentFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-bench-'));
  process.once('exit', () => {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // A stream has it open still, which Windows does not forgive. It is in the folder for such things.
    }
  });
  const file = path.join(folder, 'file');
  writeFileSync(file, Buffer.alloc(FILE_BYTES, 'file'));
  return file;
}
