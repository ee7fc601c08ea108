/** Messages of the system and of module loaders name folders, and folders name people: reports are read by everybody. */

/** From a drive, a share, a file URL or a root to the end of a path. What comes after the last separator is kept. */
const PATHS =
  /(?:\bfile:\/\/\/?(?:[A-Za-z]:[\\/])?|\b[A-Za-z]:[\\/]|\\\\(?=[^\s\\])|(?<=^|[\s'"`(=])\/(?=[^\s/]))(?:[^\n\r'"`<>|*?:()]*[\\/])?/g;

/** The same text, with the names of files and without those of their folders. */
export function withoutPaths(text: string): string {
  return text.replace(PATHS, '…/');
}
