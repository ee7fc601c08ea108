/** What the figures were measured on: without it they mean nothing. */
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type as osType, version } from 'node:os';
import type { CpuPlan } from './cpus.ts';

export interface Environment {
  date: string;
  os: string;
  /** Version of Wine, or null on Windows itself. */
  wine: string | null;
  /** The Node.js that runs the servers, and the one that makes the load. */
  serverNode: string;
  clientNode: string;
  cpu: string;
  memoryBytes: number;
  pinned: CpuPlan | null;
}

/** @param serverNode what a server says of itself. */
export function describeEnvironment(serverNode: string, pinned: CpuPlan | null): Environment {
  const all = cpus();
  return {
    date: new Date().toISOString(),
    os: process.platform === 'win32' ? `${version()} ${release()}` : `${osType()} ${release()}`,
    wine: process.platform === 'win32' ? null : wineVersion(),
    serverNode,
    clientNode: `${process.version} ${process.platform} ${process.arch}`,
    cpu: `${all.length} × ${all[0]?.model ?? 'unknown'}`,
    memoryBytes: totalmem(),
    pinned,
  };
}

export function formatEnvironment(environment: Environment): string {
  const { date, os, wine, serverNode, clientNode, cpu, pinned } = environment;
  const where = wine === null ? os : `${os}, ${wine}: compare the ratios, not the rates`;
  const cpuPlan =
    pinned === null
      ? 'not tied to CPUs'
      : `server${wine === null ? '' : ' and wineserver'} on CPU ${pinned.server}, load on CPU ${pinned.client}`;
  return [`${date}, ${where}`, `server ${serverNode}, load ${clientNode}`, `${cpu}; ${cpuPlan}`].join('\n');
}

function wineVersion(): string {
  return spawnSync('wine', ['--version'], { encoding: 'utf8' }).stdout.trim();
}
