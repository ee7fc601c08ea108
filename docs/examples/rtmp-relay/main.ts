/**
 * A relay of live streams over RTMP: rtmp-relay/main.ts [port] [KiB that may wait for one player]
 *
 *   ffmpeg -re -i film.mp4 -c copy -f flv rtmp://127.0.0.1/live/film       publishes
 *   ffplay rtmp://127.0.0.1/live/film                                      plays; many may
 */
import * as network from '../../../src/promises/index.ts'; // in your project: from 'iocp-pal/promises'
import { stopSignal } from '../stop-signal.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { startRelay } from './relay.ts';

const [port = 1935, queueKiB = DEFAULT_LIMITS.queueBytes / 1024] = process.argv.slice(2);
const relay = await startRelay(network, {
  port: Number(port),
  limits: { queueBytes: Number(queueKiB) * 1024 },
  say: (text) => console.log(text),
});
console.log(`rtmp relay on 127.0.0.1:${relay.server.port}`);
stopSignal().addEventListener('abort', () => void relay.stop());
await relay.served;
