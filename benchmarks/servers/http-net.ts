/** The server of http-node-net.ts, which knows nothing of what is put under it. */
import '../../src/register/index.ts';
import { serveHttp } from './http.ts';

serveHttp();
