/**
 * node:fs of a simulated process, as far as files are sent: what a test puts there can be opened and read, and is lent to
 * the kernel while a TransmitFile sends it.
 */
import { describeSystemError } from '../../../ffi/system-error.ts';
import { ERROR_TOO_MANY_OPEN_FILES } from '../../../ffi/wsa-errors.ts';
import type { FileFacts, Files } from '../../platform/platform.ts';
import type { FaultyCall } from '../machine/faults.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { Step } from '../schedule/agenda.ts';

/** What is on the simulated disk under a name. */
interface DiskFile {
  bytes: Uint8Array;
  readonly regular: boolean;
}

/** A file that is open: its descriptor, and the HANDLE behind it. */
export class OpenFile {
  readonly fd: number;
  /** The HANDLE. */
  readonly number: number;
  /** Operations of the kernel that read from it. */
  loans = 0;
  /** Bytes that were read from where the descriptor stood: of a pipe, which has no other places. */
  #taken = 0;
  readonly #file: DiskFile;

  constructor(fd: number, number: number, file: DiskFile) {
    this.fd = fd;
    this.number = number;
    this.#file = file;
  }

  /** As it is now: a file may be changed while it is open. */
  get content(): Uint8Array {
    return this.#file.bytes;
  }

  get facts(): FileFacts {
    const { bytes, regular } = this.#file;
    return { size: regular ? bytes.length : 0, regular };
  }

  /** @param position -1 for where the descriptor stands */
  read(position: number, length: number): Uint8Array {
    if (position >= 0) return this.content.subarray(position, position + length);
    const bytes = this.content.subarray(this.#taken, this.#taken + length);
    this.#taken += bytes.length;
    return bytes;
  }
}

/** The first descriptor that is not a standard stream. */
const FIRST_FD = 3;

export class SimulatedFiles implements Files {
  readonly #platform: SimulatedProcess;
  readonly #disk = new Map<string, DiskFile>();
  readonly #open = new Map<number, OpenFile>();

  constructor(platform: SimulatedProcess) {
    this.#platform = platform;
  }

  /** Descriptors open at this moment. */
  get openCount(): number {
    return this.#open.size;
  }

  /**
   * Puts a file on the disk, or changes the one that is there, also under whoever has it open.
   * @param regular false for what is read like a pipe: no size, no places, and an end
   */
  put(path: string, bytes: Uint8Array, regular = true): void {
    const file = this.#disk.get(path);
    if (file === undefined) this.#disk.set(path, { bytes, regular });
    else file.bytes = bytes;
  }

  /** Opens a file for somebody who passes its descriptor on. */
  openNow(path: string): number {
    const file = this.#disk.get(path);
    if (file === undefined) throw new SimulationError(`There is no file ${path}: put() it first`);
    return this.#give(file);
  }

  open(name: string, callback: (error: NodeJS.ErrnoException | null, fd: number) => void): void {
    this.#later(`open ${name}`, () => {
      const fault = this.#fault('fs.open', 'open', name);
      if (fault !== null) return callback(fault, -1);
      const file = this.#disk.get(name);
      if (file === undefined)
        return callback(nodeError('ENOENT', -4058, 'no such file or directory', 'open', name), -1);
      const fd = this.#give(file);
      if (fd < 0) return callback(fromCode(ERROR_TOO_MANY_OPEN_FILES, 'open', name), -1);
      callback(null, fd);
    });
  }

  facts(fd: number): FileFacts {
    const file = this.#open.get(fd);
    if (file === undefined) throw nodeError('EBADF', -4083, 'bad file descriptor', 'fstat');
    return file.facts;
  }

  read(
    fd: number,
    target: Uint8Array,
    position: number,
    callback: (error: NodeJS.ErrnoException | null, bytes: number) => void,
  ): void {
    const file = this.#open.get(fd);
    if (file === undefined) throw new SimulationError(`A read from descriptor ${fd}, which is not open`);
    const region = this.#platform.memory.regionOf(target.buffer);
    if (region !== null) region.loans++;
    file.loans++;
    this.#later(`read of ${target.length} bytes`, () => {
      if (region !== null) region.loans--;
      file.loans--;
      const fault = this.#fault('fs.read', 'read');
      if (fault !== null) return callback(fault, 0);
      const bytes = file.read(position, target.length);
      target.set(bytes);
      callback(null, bytes.length);
    });
  }

  close(fd: number): void {
    const file = this.#open.get(fd);
    if (file === undefined) throw nodeError('EBADF', -4083, 'bad file descriptor', 'close');
    if (file.loans > 0)
      throw new SimulationError(`Descriptor ${fd} was closed while ${file.loans} operations read from it`);
    this.#open.delete(fd);
    this.#platform.removeHandle(file.number);
  }

  handleOf(fd: number): number {
    return this.#open.get(fd)?.number ?? -1;
  }

  #give(file: DiskFile): number {
    const number = this.#platform.takeNumber();
    if (number === 0) return -1;
    let fd = FIRST_FD;
    while (this.#open.has(fd)) fd++;
    const opened = new OpenFile(fd, number, file);
    this.#open.set(fd, opened);
    this.#platform.addHandle(opened);
    return fd;
  }

  /** The thread pool: at some time later, and the process lives until then. */
  #later(what: string, run: () => void): void {
    const platform = this.#platform;
    platform.hold(1);
    const step = new Step(
      what,
      () => {
        platform.network.note(() => `${platform.name}: ${what}`);
        try {
          run();
        } finally {
          platform.hold(-1);
        }
      },
      true,
    );
    platform.network.agenda.add(step);
  }

  #fault(call: FaultyCall, syscall: string, path?: string): NodeJS.ErrnoException | null {
    const code = this.#platform.faults?.call(call) ?? 0;
    return code === 0 ? null : fromCode(code, syscall, path);
  }
}

function fromCode(systemErrorCode: number, syscall: string, path?: string): NodeJS.ErrnoException {
  const { code, errno, message } = describeSystemError(systemErrorCode);
  return nodeError(code, errno, message, syscall, path);
}

/** As node:fs words it: "ENOENT: no such file or directory, open 'x'". */
function nodeError(
  code: string,
  errno: number,
  message: string,
  syscall: string,
  path?: string,
): NodeJS.ErrnoException {
  const where = path === undefined ? '' : ` '${path}'`;
  return Object.assign(new Error(`${code}: ${message}, ${syscall}${where}`), {
    code,
    errno,
    syscall,
    ...(path !== undefined && { path }),
  });
}
