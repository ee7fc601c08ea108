/** A connection as Web streams, which read and write only as fast as the other end of the pipe does. */
import type { ReadableStream as ByteStream, WritableStream as Sink } from 'node:stream/web';
import type { Connection } from './connection.ts';

export function byteStreamOf(connection: Connection): ByteStream<Uint8Array> {
  const chunks = connection.chunks();
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller) {
        const request = controller.byobRequest;
        if (request?.view) {
          const bytes = await connection.read(request.view as Uint8Array);
          if (bytes === 0) controller.close();
          request.respond(bytes);
          return;
        }
        const next: IteratorResult<Buffer, unknown> = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(alone(next.value));
      },
      cancel: () => connection.close(),
    },
    // Nothing is read ahead: what nobody has asked for stays in the system's buffer, where it holds the peer back.
    { highWaterMark: 0 },
  );
}

export function writableStreamOf(connection: Connection): Sink<string | Uint8Array> {
  return new WritableStream<string | Uint8Array>({
    write: (chunk) => connection.write(chunk),
    close: () => connection.closeWrite(),
    abort: () => connection.reset(),
  });
}

/** A byte stream takes the ArrayBuffer away, so it must not be the one that small buffers share. */
function alone(chunk: Buffer): Uint8Array {
  return chunk.byteLength === chunk.buffer.byteLength ? chunk : new Uint8Array(chunk);
}
