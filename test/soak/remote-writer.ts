/** Another thread that writes to the connections of this one, through the loop's remote queue, in a soak. */
import { Buffer } from 'node:buffer';
import type { SocketHandle } from '../../src/index.ts';
import { startThread } from '../support/thread.ts';
import type { RemoteTask } from './children/remote-writes.ts';
import { BUFFER_BYTES, connected, someBytes, type Random } from './talk.ts';
import { failUnlessTolerated, type SoakPal, type World } from './world.ts';
import { Wish, wishBytes } from './wishes.ts';

/** The thread, as this one sees it. */
export interface RemoteWriter {
  /** Lets it write a stream to a connection, and then post a message. */
  write(task: RemoteTask): void;
  /** Ends the thread. */
  end(): Promise<unknown>;
}

/** Starts the thread, for connections of this PAL. */
export async function startRemoteWriter({ pal }: SoakPal, world: Pick<World, 'fail'>): Promise<RemoteWriter> {
  pal.onRemoteError((error) => failUnlessTolerated(world, 'writing from another thread', error));
  const thread = startThread(new URL('children/remote-writes', import.meta.url), { remote: pal.remote() });
  thread.on('error', (error) => world.fail(`the writing thread: ${error.stack ?? error.message}`));
  await new Promise((resolve) => thread.once('message', resolve));
  return {
    write: (task) => thread.postMessage(task),
    end: () => thread.terminate(),
  };
}

/** An echo whose bytes another thread sends. */
export async function remoteWrites(world: World, random: Random): Promise<void> {
  const { client, writer } = world;
  const { pal } = client;
  await connected(world, random, async (socket: SocketHandle, stream: number) => {
    const total = someBytes(random);
    await client.send(socket, wishBytes(Wish.Echo, stream, total));
    let id = 0;
    // The thread posts behind its last write, whatever has become of the connection.
    const posted = new Promise<Uint8Array>((resolve) => (id = pal.onRemotePost(resolve)));
    try {
      writer.write({ socket, stream, total, piece: 1 + random(8000), post: id });
      await client.receive(socket, stream, 0, total, Buffer.alloc(BUFFER_BYTES));
    } finally {
      const message = Buffer.from(await posted).toString();
      pal.offRemotePost(id);
      if (message !== `${stream} ${total}`) world.fail(`Another thread has posted '${message}'`);
    }
    pal.shutdown(socket, 'send');
    await client.receiveEnd(socket);
  });
}
