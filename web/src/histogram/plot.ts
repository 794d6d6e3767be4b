/* The bars themselves, on a canvas. Loaded when the first counts are there. */

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { countTicks, tickTexts, timeTicks } from '../charts/ticks';
import { layers, type Bins } from './bins';

/** Room around the bars, px: what lies over the chart keeps to it. */
export const ROOM = { left: 44, right: 28, top: 6, bottom: 22 };

export interface Plot {
  size(width: number, height: number): void;
  close(): void;
}

/** `colours` of the rows, the lowest first, as CSS writes colours; `ink` of marks and lines likewise. */
export function openPlot(
  target: HTMLElement,
  bins: Bins,
  colours: readonly string[],
  ink: { text: string; line: string; font: string },
): Plot {
  const endMs = bins.startMs + bins.count * bins.spanMs;
  const most = Math.max(0, ...bins.totals);
  const marks = countTicks(most);
  const top = marks[marks.length - 1] ?? 1;
  const starts = Array.from({ length: bins.count }, (_, at) => bins.startMs + at * bins.spanMs);
  const bars = uPlot.paths.bars?.({ size: [1, 64], align: 1, gap: bins.count > 200 ? 0 : 1 });
  const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
  const plot = new uPlot(
    {
      width: Math.max(80, target.clientWidth),
      height: Math.max(60, target.clientHeight),
      padding: [ROOM.top, ROOM.right, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, range: () => [bins.startMs, endMs] },
        y: { range: () => [0, top] },
      },
      axes: [
        {
          size: ROOM.bottom,
          gap: 4,
          stroke: ink.text,
          font: ink.font,
          grid: { show: false },
          ticks: { stroke: ink.line, width: 1, size: 4 },
          splits: (self) => timeTicks(bins.startMs, endMs, self.width),
          values: (_, splits) => tickTexts(splits),
        },
        {
          size: ROOM.left,
          gap: 4,
          stroke: ink.text,
          font: ink.font,
          grid: { stroke: ink.line, width: 1 },
          ticks: { show: false },
          splits: () => marks,
          values: (_, splits) => splits.map((each) => short.format(each)),
        },
      ],
      series: [
        {},
        ...[...colours].reverse().map((colour) => ({
          fill: colour,
          stroke: colour,
          width: 0,
          points: { show: false },
          ...(bars && { paths: bars }),
        })),
      ],
    },
    [starts, ...layers(bins.rows, bins.count)],
    target,
  );
  return {
    size: (width, height) => plot.setSize({ width: Math.max(80, width), height: Math.max(60, height) }),
    close: () => plot.destroy(),
  };
}
