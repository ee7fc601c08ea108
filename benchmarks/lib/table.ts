/** Rows as a table for people: only the columns that somebody measured. */
import type { Row } from './rows.ts';

type Column = readonly [head: string, cell: (row: Row) => string | null];

const COLUMNS: readonly Column[] = [
  ['peer', (row) => row.peer],
  ['conns', (row) => group(row.connections)],
  ['active', (row) => (row.active === row.connections ? null : group(row.active))],
  ['bytes', (row) => (row.messageBytes === 0 ? null : group(row.messageBytes))],
  ['msg/s', (row) => show(row.messagesPerSecond, 0)],
  ['MB/s', (row) => show(row.megabytesPerSecond, 1)],
  ['p50 ms', (row) => show(row.p50Ms, 2)],
  ['p99 ms', (row) => show(row.p99Ms, 2)],
  ['max ms', (row) => show(row.maxMs, 1)],
  ['slowest/median', (row) => show(row.fairness, 2)],
  ['lost', (row) => show(row.lost, 0)],
  ['CPU s', (row) => show(row.serverCpuSeconds, 2)],
  ['wineserver', (row) => show(row.wineserverCpuSeconds, 2)],
  ['load', (row) => show(row.loadCpuSeconds, 2)],
  [
    'RSS MB',
    (row) =>
      row.rssBytesPerConnection === null && row.scenario === 'fan-out' && row.rssBytes !== null
        ? show(row.rssBytes / 1e6, 0)
        : null,
  ],
  ['RSS/conn', (row) => show(row.rssBytesPerConnection, 0)],
  ['heap/conn', (row) => show(row.heapBytesPerConnection, 0)],
  ['pinned/conn', (row) => show(row.pinnedBytesPerConnection, 0)],
  ['× node:net', (row) => show(row.ratioToNodeNet, 2)],
];

export function formatRows(rows: readonly Row[]): string {
  const columns = COLUMNS.filter(([, cell]) => rows.some((row) => cell(row) !== null));
  const lines = [
    columns.map(([head]) => head),
    columns.map(() => ''),
    ...rows.map((row) => columns.map(([, cell]) => cell(row) ?? '–')),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length), 3));
  const failures = rows.flatMap((row) => row.failures.map((why) => `${row.peer}, ${row.connections}: ${why}`));
  return [
    ...lines.map((line, number) => {
      const fill = number === 1 ? '-' : ' ';
      return `| ${line.map((text, index) => pad(text, widths[index] ?? 0, fill, index > 0)).join(' | ')} |`;
    }),
    ...(failures.length === 0 ? [] : ['', ...failures]),
  ].join('\n');
}

function pad(text: string, width: number, fill: string, right: boolean): string {
  if (fill === '-') return right ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width);
  return right ? text.padStart(width) : text.padEnd(width);
}

/** A number with so many decimals, or null for what was not measured. */
export function show(value: number | null, decimals: number): string | null {
  if (value === null) return null;
  const [whole = '', fraction] = value.toFixed(decimals).split('.');
  return fraction === undefined ? group(Number(whole)) : `${group(Number(whole))}.${fraction}`;
}

/** 1234567 → '1 234 567'. */
function group(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ' ');
}
