// A program to be bundled: every byte there and back on real sockets, with both waiters, then the end.
import * as iocpPal from 'iocp-pal';
import echo from './echo.cjs';

// No top-level await: CommonJS has none.
async function main() {
  for (const waiter of ['worker', 'inline']) await echo(iocpPal, { waiter });
}
void main();
