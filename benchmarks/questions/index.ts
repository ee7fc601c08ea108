/** The questions by name. */
import type { Question } from '../lib/question.ts';
import { acceptQuestion, reuse } from './accept.ts';
import { arrivals } from './arrivals.ts';
import { echo } from './echo.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { pump } from './pump.ts';
import { sendFile } from './send-file.ts';
import { smallWrites } from './small-writes.ts';
import { udp } from './udp.ts';

export const QUESTIONS: Readonly<Record<string, Question>> = {
  echo,
  idle,
  pump,
  'small-writes': smallWrites,
  'send-file': sendFile,
  accept: acceptQuestion,
  reuse,
  arrivals,
  latency,
  memory,
  udp,
};
