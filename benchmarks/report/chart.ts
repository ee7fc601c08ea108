/** One chart as SVG text, readable on light and on dark pages. Drawn by Observable Plot, in a document without a browser. */
import { loadPlot } from './plot.ts';

const WIDTH = 720;
const HEIGHT = 360;

/** Okabe and Ito's colours, which colour-blind people can tell apart, and which stand out on white and on black. */
const COLOURS: Readonly<Record<string, string>> = {
  iocp: '#0072b2',
  'iocp-inline': '#56b4e9',
  'iocp-no-skip': '#cc79a7',
  'iocp-inline-no-skip': '#cc79a7',
  wsapoll: '#d55e00',
  'wsapoll-inline': '#e69f00',
  'node-net': '#009e73',
};
const OTHER_COLOUR = '#999999';

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
}

/** Lines over the number of connections, each named at its end. */
export async function lineChart(
  points: readonly Point[],
  { title, xLabel, yLabel, logarithmic }: ChartOptions,
): Promise<string> {
  const { Plot, document } = await loadPlot();
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const colour = ({ peer }: Point): string => COLOURS[peer] ?? OTHER_COLOUR;
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 64,
    marginRight: 120,
    marginBottom: 44,
    style: { fontSize: '12px' },
    x: { type: 'point', domain: xs, label: xLabel },
    y: logarithmic === true ? { type: 'log', label: yLabel, grid: true } : { label: yLabel, grid: true, zero: true },
    marks: [
      Plot.lineY(points, { x: 'x', y: 'y', stroke: colour, z: 'peer', strokeWidth: 2 }),
      Plot.dot(points, { x: 'x', y: 'y', fill: colour, r: 3 }),
      Plot.text(
        points,
        Plot.selectLast({ x: 'x', y: 'y', z: 'peer', text: 'peer', fill: colour, dx: 8, textAnchor: 'start' }),
      ),
    ],
  });
  return standalone(svg.outerHTML, title);
}

/** What an SVG needs as a file of its own: its namespace, a title, and text that follows the page's colour scheme. */
function standalone(svg: string, title: string): string {
  const style =
    '<style>svg{color:#1f2328;font-family:system-ui,sans-serif}' +
    '@media (prefers-color-scheme:dark){svg{color:#e6edf3}}</style>';
  const opened = svg.replace(/^<svg /, '<svg xmlns="http://www.w3.org/2000/svg" role="img" ');
  return `${opened.replace(/>/, `><title>${title}</title>${style}`)}\n`;
}
