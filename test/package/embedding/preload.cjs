'use strict';
// An agent, as `node --require` loads it: it counts its own runs, of which a process has one.
globalThis.agentRuns = (globalThis.agentRuns ?? 0) + 1;
if (require('node:worker_threads').isMainThread === false) throw new Error('The agent was started in a thread');
