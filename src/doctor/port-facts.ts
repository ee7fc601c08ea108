/**
 * Which ports the system gives out by itself, and which it has set aside (Hyper-V and WSL reserve hundreds).
 *
 * netsh is the documented way to ask. Its words are translated, so only the numbers are read.
 * Source: https://learn.microsoft.com/troubleshoot/windows-server/networking/default-dynamic-port-range-tcpip-chang
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import type { Facts } from './report.ts';

/** netsh answers within a second; where it does not, its answer is done without. */
const NETSH_MS = 5000;
/** More ranges than this are only counted. */
const RANGES_SHOWN = 12;

export async function portFacts(ask: (args: readonly string[]) => Promise<string> = netsh): Promise<Facts> {
  const [range, excluded] = await Promise.all([
    ask(['int', 'ipv4', 'show', 'dynamicport', 'tcp']),
    ask(['int', 'ipv4', 'show', 'excludedportrange', 'protocol=tcp']),
  ]);
  return { 'TCP over IPv4': parseDynamicPorts(range), excluded: parseExcludedPorts(excluded) };
}

/** Null when the text says nothing. */
export function parseDynamicPorts(text: string): string | null {
  const [start, count] = [...text.matchAll(/:\s*(\d+)\s*$/gm)].map(([, digits]) => Number(digits));
  if (start === undefined || count === undefined || count === 0) return null;
  return `${start} to ${start + count - 1}, ${count} ports`;
}

/** Null when the text says nothing. */
export function parseExcludedPorts(text: string): readonly string[] | null {
  if (!/-{4,}\s+-{4,}/.test(text)) return null; // the line under the heads of its two columns
  const ranges = [...text.matchAll(/^\s*(\d+)\s+(\d+)\s*\*?\s*$/gm)].map(([, from, to]) => `${from} to ${to}`);
  if (ranges.length <= RANGES_SHOWN) return ranges;
  return [...ranges.slice(0, RANGES_SHOWN), `and ${ranges.length - RANGES_SHOWN} more`];
}

/** What it prints; nothing when there is none, or it takes too long. */
function netsh(args: readonly string[]): Promise<string> {
  // Of the system, whatever else is on the PATH.
  const program = path.join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'netsh.exe');
  return new Promise((resolve) => {
    try {
      execFile(program, args, { timeout: NETSH_MS, windowsHide: true }, (error, stdout) => {
        resolve(error === null ? stdout : '');
      });
    } catch {
      resolve('');
    }
  });
}
