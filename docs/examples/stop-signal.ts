/** Aborted by Ctrl+C, or when the input of the program ends. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    process.stdin.destroy(); // would keep the process alive
    controller.abort();
  };
  process.once('SIGINT', stop);
  process.stdin.once('end', stop).resume();
  return controller.signal;
}
