// A program to be bundled: every byte there and back on real sockets, with both pollers, then the end.
import * as iocpPal from 'iocp-pal';
import echo from './echo.cjs';

// No top-level await: CommonJS has none.
async function main() {
  for (const poller of ['worker', 'inline']) await echo(iocpPal, { poller });
}
void main();
