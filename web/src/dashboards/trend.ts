/* A number and how it came to be: what a number panel shows of an answer. */

import type { Answer, Checked, Json } from '../api/shapes';

export interface Point {
  /** ms since 1970 */
  at: number;
  value: number;
}

/** The first number of the first row: of the columns that carry values, if it is known which those are. */
export function figureOf(answer: Answer, check: Checked): { value: Json; column: string } | null {
  const row = check.kind === 'series' ? answer.rows?.at(-1) : answer.rows?.[0];
  if (row === undefined) return null;
  const columns = [...check.values, ...(answer.columns ?? Object.keys(row))];
  const column =
    columns.find((each) => typeof row[each] === 'number') ??
    columns.find((each) => each in row && each !== check.time_column);
  return column === undefined ? null : { value: row[column] ?? null, column };
}

const ROUND_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];
const MOST_POINTS = 60;

/** The shortest round span, in s, of which a trend of so long has few enough. */
export function spanFor(rangeMs: number): number {
  const found = ROUND_S.find((each) => rangeMs / 1000 / each <= MOST_POINTS);
  return found ?? Math.ceil(rangeMs / 1000 / MOST_POINTS / 86_400) * 86_400;
}

/** Whether a span without events has the value 0: of aggregates that count. `pipe` is a `stats` in canonical spelling. */
export function isCounted(pipe: string, column: string): boolean {
  const aggregates = pipe.replace(/^(stats|timechart( span=\S+)?) /, '').split(/,\s*(?![^()]*\))/);
  const made = aggregates.find((each) => each === column || each.endsWith(` as ${column}`));
  return made !== undefined && /^(count|count_distinct|approx_count_distinct|sum|rate)\(/.test(made);
}

export interface Spans {
  startMs: number;
  endMs: number;
  /** Of each. */
  spanMs: number;
  /** What one without events has; null: nothing is known of it. */
  otherwise: number | null;
}

/** Values over time, of spans that lie in the range as a whole: of others a part only was counted. */
export function pointsOf(answer: Answer, column: string, spans: Spans): Point[] {
  const { startMs, endMs, spanMs, otherwise } = spans;
  const values = new Map<number, number>();
  for (const row of answer.rows ?? []) {
    const value = row[column];
    const at = Date.parse(String(row['timestamp']));
    if (typeof value === 'number' && !Number.isNaN(at)) values.set(at, value);
  }
  const points: Point[] = [];
  for (let at = Math.ceil(startMs / spanMs) * spanMs; at + spanMs <= endMs; at += spanMs) {
    const value = values.get(at) ?? otherwise;
    if (value !== null) points.push({ at, value });
  }
  return points;
}

/** An SVG path through the points, in a box of `width` by `height` with a margin for the stroke; from zero, unless some
    are below. */
export function pathOf(points: readonly Point[], width: number, height: number): string {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 2) return '';
  const [least, most] = boundsOf(points);
  const across = last.at - first.at || 1;
  const up = most - least || 1;
  const round = (value: number): number => Math.round(value * 10) / 10;
  return points
    .map(({ at, value }, index) => {
      const x = round(((at - first.at) / across) * width);
      const y = round(1 + (1 - (value - least) / up) * (height - 2));
      return `${index === 0 ? 'M' : 'L'}${x} ${y}`;
    })
    .join('');
}

/** Least (at most 0) and greatest value. */
export function boundsOf(points: readonly Point[]): [number, number] {
  let least = 0;
  let most = -Infinity;
  for (const { value } of points) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}
