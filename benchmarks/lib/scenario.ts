/** What a scenario is made of, and what an answer looks like. */
import type { ServerProcess } from './server-process.ts';

/** One setting to measure every peer in. */
export interface Cell {
  connections: number;
  /** Connections that send; the others are open and silent. */
  active: number;
  messageBytes: number;
}

/** One measurement of one peer. Null is what this scenario does not ask. */
export interface Measurement {
  messagesPerSecond: number | null;
  megabytesPerSecond: number | null;
  p50Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
  /** Answers on the slowest connection over those on the median one. */
  fairness: number | null;
  /** CPU time of the server's process during the measurement. */
  serverCpuSeconds: number | null;
  /** CPU time of the load, and under Wine of the wineserver, meanwhile: is it the server that is at its end? */
  loadCpuSeconds: number | null;
  wineserverCpuSeconds: number | null;
  /** The server's process, at the end of the measurement. */
  rssBytes: number | null;
  rssBytesPerConnection: number | null;
  pinnedBytesPerConnection: number | null;
  /** JavaScript objects, after a collection. */
  heapBytesPerConnection: number | null;
  /** Datagrams that did not come back, or too late to be waited for; of fan-out, frames dropped for players who take nothing. */
  lost: number | null;
}

export const NOTHING_MEASURED: Measurement = {
  messagesPerSecond: null,
  megabytesPerSecond: null,
  p50Ms: null,
  p99Ms: null,
  maxMs: null,
  fairness: null,
  serverCpuSeconds: null,
  loadCpuSeconds: null,
  wineserverCpuSeconds: null,
  rssBytes: null,
  rssBytesPerConnection: null,
  pinnedBytesPerConnection: null,
  heapBytesPerConnection: null,
  lost: null,
};

/** What the command line leaves to a scenario, and its say where it gave one. */
export interface Settings {
  connections: readonly number[] | undefined;
  active: number | undefined;
  sizes: readonly number[] | undefined;
  seconds: number;
}

export interface Scenario {
  /** A line for people: what the figures mean. */
  title: string;
  /** The servers: benchmarks/servers/<server>-<the ending of the peer's>.ts, as lib/peers.ts has it. */
  server: 'echo' | 'pump' | 'small-writes' | 'send-file' | 'udp' | 'http' | 'relay';
  /** Measured when --peers does not say; without it DEFAULT_PEERS. */
  peers?: readonly string[];
  /** The figure that is compared with node:net. */
  ratioOf: 'messagesPerSecond' | 'megabytesPerSecond' | 'rssBytesPerConnection';
  cells: (settings: Settings) => Cell[];
  measure: (server: ServerProcess, cell: Cell, settings: Settings) => Promise<Measurement>;
}

/** Every combination of connections and sizes, all of them active. */
export function grid(settings: Settings, connections: readonly number[], sizes: readonly number[]): Cell[] {
  return (settings.sizes ?? sizes).flatMap((messageBytes) =>
    (settings.connections ?? connections).map((count) => ({ connections: count, active: count, messageBytes })),
  );
}
