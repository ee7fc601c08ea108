/** A soak as one picture: a panel per figure, under way and at rest, over time. Readable on light and on dark pages. */
import { standalone } from '../../benchmarks/report/chart.ts';
import { loadPlot } from '../../benchmarks/report/plot.ts';
import { LIMITS, type Sample, type SoakResult } from './samples.ts';

const WIDTH = 720;
const PANEL_HEIGHT = 130;
/** Okabe and Ito's blue and orange: apart for colour-blind people, and clear on white and on black. */
const REST_COLOUR = '#0072b2';
const BUSY_COLOUR = '#e69f00';
const NAMES: Readonly<Record<Sample['when'], string>> = { rest: 'at rest', busy: 'under way' };

/** The chart as SVG text. */
export async function soakChart(result: SoakResult): Promise<string> {
  const { Plot, document } = await loadPlot();
  const panels = LIMITS.map(({ figure, title, unit, divisor }, index) => {
    const points = result.samples.map((sample) => ({
      minutes: sample.at / 60,
      value: sample[figure] / divisor,
      when: sample.when,
    }));
    const ends = (['busy', 'rest'] as const).flatMap((when) => points.filter((point) => point.when === when).slice(-1));
    const colour = ({ when }: { when: Sample['when'] }): string => (when === 'rest' ? REST_COLOUR : BUSY_COLOUR);
    const isFirst = index === 0;
    const svg = Plot.plot({
      document,
      width: WIDTH,
      height: PANEL_HEIGHT,
      marginLeft: 64,
      marginRight: 76,
      marginTop: 24,
      marginBottom: 30,
      style: { fontSize: '12px' },
      x: { label: index === LIMITS.length - 1 ? 'minutes' : null },
      y: { label: unit === '' ? title : `${title}, ${unit}`, grid: true, zero: true, ticks: 4 },
      marks: [
        Plot.lineY(points, { x: 'minutes', y: 'value', z: 'when', stroke: colour, strokeWidth: 1.5 }),
        ...(isFirst
          ? ends.map((end) =>
              Plot.text([end], {
                x: 'minutes',
                y: 'value',
                text: () => NAMES[end.when],
                fill: colour,
                dx: 6,
                dy: end.when === 'rest' ? 8 : -8,
                textAnchor: 'start',
              }),
            )
          : []),
      ],
    }).outerHTML;
    // Plot's own style is for an <svg> in a page: its `height: auto` would stretch one within another.
    return svg.replace(/<style>[^]*?<\/style>/, '').replace(/^<svg /, `<svg y="${index * PANEL_HEIGHT}" `);
  });
  const height = LIMITS.length * PANEL_HEIGHT;
  const title = `Soak of ${(result.seconds / 60).toFixed(1)} minutes: ${result.samples.at(-1)?.sessions ?? 0} sessions`;
  return standalone(
    `<svg width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" style="max-width: 100%">${panels.join('')}</svg>`,
    title,
  );
}
