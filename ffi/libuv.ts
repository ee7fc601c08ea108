/**
 * libuv, as data: the one function of the libuv inside node.exe that the library calls. node.exe exports libuv for native
 * add-ons, so a look at the running executable's own exports finds it.
 *
 * Source: https://docs.libuv.org/en/v1.x/fs.html#c.uv_get_osfhandle
 */
import { loadKoffi } from './koffi.ts';

export interface Libuv {
  /**
   * The HANDLE behind a file descriptor of node:fs; INVALID_HANDLE_VALUE (-1) when there is none. It stays the
   * descriptor's: closing that closes it, and its number may be another file's at once.
   */
  uv_get_osfhandle(fd: number): number;
}

/** Null in an executable that does not export libuv. */
export function loadLibuv(): Libuv | null {
  try {
    // Null is the executable itself. Its own CRT must answer: descriptors of another one are other files.
    const executable = loadKoffi().load(null);
    return { uv_get_osfhandle: executable.func('intptr_t uv_get_osfhandle(int fd)') as Libuv['uv_get_osfhandle'] };
  } catch {
    return null;
  }
}
