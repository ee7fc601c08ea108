/** The scenarios by name. */
import type { Scenario } from '../lib/scenario.ts';
import { accepting, reuse } from './accept.ts';
import { arrivals } from './arrivals.ts';
import { dgram } from './dgram.ts';
import { echo } from './echo.ts';
import { fanOut } from './fan-out.ts';
import { http } from './http.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { net } from './net.ts';
import { promises } from './promises.ts';
import { pump } from './pump.ts';
import { sendFile } from './send-file.ts';
import { smallWrites } from './small-writes.ts';
import { udp } from './udp.ts';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  echo,
  idle,
  pump,
  'small-writes': smallWrites,
  'send-file': sendFile,
  accept: accepting,
  reuse,
  arrivals,
  latency,
  memory,
  udp,
  dgram,
  net,
  promises,
  http,
  'fan-out': fanOut,
};
