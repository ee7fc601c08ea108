/**
 * A relay of live streams over RTMP: rtmp-relay/main.ts [port] [KiB that may wait for one player]
 *
 *   ffmpeg -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1/live/film       publishes
 *   ffplay rtmp://127.0.0.1/live/film                                      plays; many may
 */
import { allocateBuffer, listen } from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { stopSignal } from '../stop-signal.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { startRelay } from './relay.ts';

const [port = '1935', queueKiB] = process.argv.slice(2);
const queueBytes = queueKiB === undefined ? DEFAULT_LIMITS.queueBytes : Number(queueKiB) * 1024;

const relay = await startRelay(
  { listen, allocateBuffer },
  {
    port: Number(port),
    limits: { queueBytes },
    say: (text) => console.log(text),
    onError: (error, { remote }) => console.log(`${remote.address}:${remote.port} was reset: ${String(error)}`),
  },
);
console.log(`rtmp relay on 127.0.0.1:${relay.port}`);
stopSignal().addEventListener('abort', () => void relay.stop());
await relay.served;
