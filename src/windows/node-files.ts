/** Files through node:fs. Opening and reading are libuv's, on its thread pool: a slow disk must not hold up the loop. */
import { closeSync, constants, fstatSync, open, read } from 'node:fs';
import { INVALID_HANDLE_VALUE } from '../../ffi/constants.ts';
import type { Libuv } from '../../ffi/libuv.ts';
import { inOwnContext } from '../platform/async-context.ts';
import type { Files } from '../platform/platform.ts';

/** libuv's UV_FS_O_SEQUENTIAL, which node:fs does not name: FILE_FLAG_SEQUENTIAL_SCAN, as TransmitFile's page advises. */
const O_SEQUENTIAL = 0x0020;

/** @param libuv null where the HANDLEs behind descriptors cannot be had. */
export function nodeFiles(libuv: Libuv | null): Files {
  return {
    open(path, callback) {
      inOwnContext(() => open(path, constants.O_RDONLY | O_SEQUENTIAL, callback));
    },
    facts(fd) {
      const stats = fstatSync(fd);
      return { size: stats.size, regular: stats.isFile() };
    },
    read(fd, target, position, callback) {
      inOwnContext(() => read(fd, target, 0, target.length, position, callback));
    },
    // At once, so that whoever is called back can move or delete the file. Nothing is written, so nothing is flushed.
    close: closeSync,
    handleOf: (fd) => libuv?.uv_get_osfhandle(fd) ?? INVALID_HANDLE_VALUE,
  };
}
