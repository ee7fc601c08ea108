/** Answers GET /N with a body of N bytes. */
import { serveHttp } from './http.ts';

serveHttp();
