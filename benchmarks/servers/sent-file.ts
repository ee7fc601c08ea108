/** The file that send-file's servers send. It is in the system's cache by the time it is measured. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FILE_BYTES } from './settings.ts';
import { removeAtExit } from '../../scripts/remove.mjs';

/** Writes it, and removes it when the process ends. Returns its path. */
export function makeSentFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'iocp-pal-bench-'));
  removeAtExit(folder);
  const file = path.join(folder, 'file');
  writeFileSync(file, Buffer.alloc(FILE_BYTES, 'file'));
  return file;
}
