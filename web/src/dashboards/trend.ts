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

/** Values over time, without the last one if its span is not over at `endMs`. */
export function pointsOf(answer: Answer, column: string, endMs: number): Point[] {
  const points: Point[] = [];
  for (const row of answer.rows ?? []) {
    const at = Date.parse(String(row['timestamp']));
    const value = row[column];
    if (typeof value === 'number' && !Number.isNaN(at)) points.push({ at, value });
  }
  points.sort((one, other) => one.at - other.at);
  const span = points.reduce(
    (least, each, at) => Math.min(least, at > 0 ? each.at - (points[at - 1] as Point).at : Infinity),
    Infinity,
  );
  const last = points.at(-1);
  return last !== undefined && points.length > 2 && last.at + span > endMs ? points.slice(0, -1) : points;
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
