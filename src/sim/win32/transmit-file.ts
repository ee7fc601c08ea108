/** TransmitFile of a simulated process: a WSASend whose bytes come from a file, some of them from buffers in front of it. */
import { OVERLAPPED, TRANSMIT_FILE_BUFFERS } from '../../../ffi/layouts.ts';
import { ntStatusToWinsockError, STATUS_CONNECTION_RESET, STATUS_PENDING } from '../../../ffi/ntstatus.ts';
import { ERROR_IO_PENDING, WSAEINVAL, WSAENOTCONN, WSAESHUTDOWN } from '../../../ffi/wsa-errors.ts';
import type { SimulatedProcess } from '../machine/machine.ts';
import { SimulationError } from '../machine/simulation-error.ts';
import { OpenFile } from '../memory/files.ts';
import { Io, type Segment } from '../kernel/io.ts';
import { finishAtOnce } from './data-calls.ts';

/** "The maximum number of bytes that can be transmitted using a single call". */
const MAX_BYTES = 2 ** 31 - 2;

const FALSE = 0;
const TRUE = 1;

export function transmitFile(
  platform: SimulatedProcess,
  s: number,
  handle: number,
  bytes: number,
  overlapped: number,
  buffers: number,
): number {
  const fail = (code: number): number => {
    platform.lastError = code;
    return FALSE;
  };
  const socket = platform.socket(s);
  if (socket === null) return FALSE;
  const { end } = socket;
  if (end === null) return fail(WSAENOTCONN);
  if (socket.sendShut) return fail(WSAESHUTDOWN);
  const file = platform.handle(handle);
  if (!(file instanceof OpenFile)) throw new SimulationError(`TransmitFile of handle ${handle}, which is no open file`);
  if (bytes === 0) throw new SimulationError('TransmitFile of 0 bytes, which stands for the whole file');
  if (bytes > MAX_BYTES) return fail(WSAEINVAL);
  const region = platform.ledger.overlapped(overlapped, 'TransmitFile');
  const position =
    region.getUint32(overlapped + OVERLAPPED.Offset) + region.getUint32(overlapped + OVERLAPPED.OffsetHigh) * 2 ** 32;
  const part = { file, position, length: bytes };
  const io = new Io(platform, 'TransmitFile', socket, overlapped, region, headOf(platform, buffers), part);

  let code = platform.faults?.call('TransmitFile') ?? 0;
  if (code !== 0) {
    if (platform.faults?.breaks(code) === true) end.break(STATUS_CONNECTION_RESET);
  } else if (end.broken !== 0) code = ntStatusToWinsockError(end.broken);
  if (code !== 0) {
    region.setPointer(overlapped, STATUS_PENDING);
    return fail(code);
  }

  const { hasRoom } = platform.transmits;
  platform.ledger.lend(io);
  platform.transmits.enter(io);
  const mayFinish = hasRoom && platform.profile.extensionsMaySucceedAtOnce && end.sends.length === 0 && end.room > 0;
  if (mayFinish && io.reachable === io.total && !platform.network.maybe() && end.take(io)) {
    end.update();
    finishAtOnce(platform, io, io.moved);
    return TRUE;
  }
  end.sends.push(io);
  end.update();
  return fail(ERROR_IO_PENDING);
}

function headOf(platform: SimulatedProcess, buffers: number): Segment[] {
  if (buffers === 0) return [];
  const region = platform.memory.at(buffers, TRANSMIT_FILE_BUFFERS.size, 'TransmitFile: lpTransmitBuffers');
  if (region.getUint32(buffers + TRANSMIT_FILE_BUFFERS.TailLength) !== 0) {
    throw new SimulationError('TransmitFile with a tail is not simulated');
  }
  const length = region.getUint32(buffers + TRANSMIT_FILE_BUFFERS.HeadLength);
  const head = platform.ledger.segment(region.getPointer(buffers + TRANSMIT_FILE_BUFFERS.Head), length, 'TransmitFile');
  return head === null ? [] : [head];
}
