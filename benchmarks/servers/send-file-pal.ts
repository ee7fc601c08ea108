/**
 * Sends a file, again and again: asyncSendFile; the same without TransmitFile (iocp-copying); or as one does who has only
 * asyncWrite (iocp-read-write): 64 KiB from node:fs, then a write, as a stream's pieces are.
 */
import { closeSync, openSync, read } from 'node:fs';
import type { NetworkPal, SocketHandle } from '../../src/index.ts';
import { servePal } from './pal.ts';
import { makeSentFile } from './sent-file.ts';
import { FILE_BYTES, PUMP_BYTES } from './settings.ts';

const file = makeSentFile();
const peer = process.argv[2];
const options = { transmitFile: peer !== 'iocp-copying' };

servePal(peer === 'iocp-read-write' ? readAndWrite : sendFile);

function sendFile(pal: NetworkPal, client: SocketHandle): void {
  const send = (): void => void pal.asyncSendFile(client, file, options, sent);
  const sent = (error: Error | null): void => (error === null ? send() : pal.closeSocket(client));
  send();
}

function readAndWrite(pal: NetworkPal, client: SocketHandle): void {
  const fd = openSync(file, 'r');
  const buffer = pal.allocateBuffer(PUMP_BYTES);
  let position = 0;
  const readNext = (): void => {
    if (position === FILE_BYTES) position = 0;
    read(fd, buffer, 0, PUMP_BYTES, position, (error, bytes) => {
      if (error !== null) throw error;
      position += bytes;
      pal.asyncWrite(client, bytes === PUMP_BYTES ? buffer : buffer.subarray(0, bytes), (failure) => {
        if (failure === null) return readNext();
        closeSync(fd);
        pal.closeSocket(client);
      });
    });
  };
  readNext();
}
