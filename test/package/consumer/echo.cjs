'use strict';
// What a user's program does, with the module that it got: one connection, every byte there and back.
/**
 * @param {typeof import('iocp-pal')} iocpPal
 * @param {import('iocp-pal').PalOptions} options
 */
module.exports = async function echo({ createNetworkPal, NetworkError }, options) {
  const pal = createNetworkPal(options);
  pal.initialize();
  const ended = pal.runEventLoop();
  const server = pal.createServer('127.0.0.1', 0);
  const answer = await new Promise((resolve, reject) => {
    pal.asyncAccept(server.handle, (error, served) => {
      if (error !== null) return reject(error);
      const buffer = Buffer.alloc(1024);
      pal.asyncRead(served, buffer, buffer.length, (failure, bytes) => {
        if (failure !== null) return reject(failure);
        pal.asyncWrite(served, buffer.subarray(0, bytes), () => pal.closeSocket(served));
      });
    });
    pal.asyncConnect('127.0.0.1', server.port, {}, (error, client) => {
      if (error !== null) return reject(error);
      const buffer = Buffer.alloc(1024);
      pal.asyncWrite(client, Buffer.from('hello'), () => undefined);
      pal.asyncRead(client, buffer, buffer.length, (failure, bytes) => {
        if (failure === null) resolve(buffer.toString('latin1', 0, bytes));
        else reject(failure);
        pal.closeSocket(client);
      });
    });
  });
  let refused;
  try {
    pal.createServer('no address', 0);
  } catch (error) {
    refused = error;
  }
  if (!(refused instanceof NetworkError)) throw new Error('A bad address was not refused with a NetworkError');
  const { bytesReceived } = pal.stats();
  await pal.stopEventLoop();
  await ended;
  console.log(`${answer}, ${bytesReceived} bytes received`);
};
