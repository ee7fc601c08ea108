/** One chart as SVG text, readable on light and on dark pages. Drawn by Observable Plot, in a document without a browser. */
import { loadPlot } from './plot.ts';

const WIDTH = 720;
const HEIGHT = 360;
/** Pixels from one label to the next. */
const LABEL_HEIGHT = 14;

/** Okabe and Ito's colours, which colour-blind people can tell apart, and which stand out on white and on black. */
const COLOURS: Readonly<Record<string, string>> = {
  iocp: '#0072b2',
  'iocp-inline': '#56b4e9',
  'iocp-no-skip': '#cc79a7',
  'iocp-inline-no-skip': '#cc79a7',
  wsapoll: '#d55e00',
  'wsapoll-inline': '#e69f00',
  promises: '#0072b2',
  'media-server': '#d55e00',
  'media-server-register': '#e69f00',
  c: '#999999',
  'node-net': '#009e73',
};
/** For what has no colour of its own, in turn. */
const OTHER_COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#999999'];

/** A point of a line: one peer at one number of connections. */
export interface Point {
  peer: string;
  x: number;
  y: number;
}

export interface ChartOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Values that span orders of magnitude. */
  logarithmic?: boolean;
  /** Pixels beside the lines for their names. Default 120. */
  nameWidth?: number;
}

/** Lines over the number of connections, each named at its end. */
export async function lineChart(
  points: readonly Point[],
  { title, xLabel, yLabel, logarithmic, nameWidth = 120 }: ChartOptions,
): Promise<string> {
  const { Plot, document } = await loadPlot();
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const peers = [...new Set(points.map(({ peer }) => peer))];
  const colour = ({ peer }: Point): string =>
    COLOURS[peer] ?? OTHER_COLOURS[peers.indexOf(peer) % OTHER_COLOURS.length] ?? 'currentColor';
  const frame = {
    document,
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 64,
    marginRight: nameWidth,
    marginBottom: 44,
    style: { fontSize: '12px' },
    x: { type: 'point', domain: xs, label: xLabel },
    y: logarithmic === true ? { type: 'log', label: yLabel, grid: true } : { label: yLabel, grid: true, zero: true },
  };
  const lines = [
    Plot.lineY(points, { x: 'x', y: 'y', stroke: colour, z: 'peer', strokeWidth: 2 }),
    Plot.dot(points, { x: 'x', y: 'y', fill: colour, r: 3 }),
  ];
  // Drawn once to learn where the lines end, and again with their names beside the ends, apart from each other.
  const scale = Plot.plot({ ...frame, marks: lines }).scale('y');
  const labels = spread(lastPoints(points), (y) => scale.apply(y)).map(({ point, dy }) =>
    Plot.text([point], { x: 'x', y: 'y', text: 'peer', fill: colour, dx: 8, dy, textAnchor: 'start' }),
  );
  const svg = Plot.plot({ ...frame, marks: [...lines, ...labels] });
  return standalone(svg.outerHTML, title);
}

/** The end of each peer's line. */
function lastPoints(points: readonly Point[]): Point[] {
  const last = new Map<string, Point>();
  for (const point of points) if (point.x >= (last.get(point.peer)?.x ?? 0)) last.set(point.peer, point);
  return [...last.values()];
}

/** How far down each label moves, pixels, so that none lies on another. */
function spread(ends: readonly Point[], pixelOf: (y: number) => number): { point: Point; dy: number }[] {
  const sorted = ends.map((point) => ({ point, at: pixelOf(point.y) })).sort((a, b) => a.at - b.at);
  let free = -Infinity;
  return sorted.map(({ point, at }) => {
    const placed = Math.max(at, free);
    free = placed + LABEL_HEIGHT;
    return { point, dy: placed - at };
  });
}

/** What an SVG needs as a file of its own: its namespace, a title, and text that follows the page's colour scheme. */
export function standalone(svg: string, title: string): string {
  const style =
    '<style>svg{color:#1f2328;font-family:system-ui,sans-serif}' +
    '@media (prefers-color-scheme:dark){svg{color:#e6edf3}}</style>';
  const opened = svg.replace(/^<svg /, '<svg xmlns="http://www.w3.org/2000/svg" role="img" ');
  return `${opened.replace(/>/, `><title>${title}</title>${style}`)}\n`;
}
