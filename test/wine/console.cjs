'use strict';
// The other end of scripts/windows/console.mjs, preloaded by stdio.cjs: process.stdin as a connection to whoever started us, and a
// SIGINT event for each Ctrl+C there.
const net = require('node:net');

/** @param {string} where "port token" */
module.exports = function connectConsole(where) {
  const [port = '', token = ''] = where.split(' ');
  /** @param {'input' | 'signals'} purpose */
  const connect = (purpose) => {
    const socket = net.connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
    socket.on('error', () => undefined); // whoever started us has gone
    socket.write(`${token} ${purpose}\n`);
    return socket;
  };

  const signals = connect('signals').unref();
  let line = '';
  signals.setEncoding('latin1').on('data', (text) => {
    line += String(text);
    for (let end = line.indexOf('\n'); end >= 0; end = line.indexOf('\n')) {
      const signal = line.slice(0, end);
      line = line.slice(end + 1);
      if (signal !== 'SIGINT') continue;
      const heard = process.listenerCount('SIGINT') > 0;
      signals.write(heard ? 'h' : 'n');
      if (heard) process.emit('SIGINT', 'SIGINT');
    }
  });

  /** @type {net.Socket | undefined} */
  let input;
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    enumerable: true,
    get: () => (input ??= makeInput()),
  });
  function makeInput() {
    const socket = connect('input');
    // As Node's own: it keeps the process alive only while somebody reads, and nobody has called unref().
    let wanted = true;
    const ref = socket.ref.bind(socket);
    const unref = socket.unref.bind(socket);
    const keepAlive = () => (wanted && socket.readableFlowing === true ? ref() : unref());
    keepAlive();
    for (const event of ['resume', 'pause']) socket.on(event, keepAlive);
    socket.on('newListener', (event) => {
      if (event === 'readable' && wanted) ref();
    });
    socket.ref = () => {
      wanted = true;
      return keepAlive();
    };
    socket.unref = () => {
      wanted = false;
      return keepAlive();
    };
    return Object.assign(socket, { fd: 0 });
  }
};
