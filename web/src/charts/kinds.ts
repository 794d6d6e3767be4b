/* Which way to draw an answer suits it, and which others there are. */

import type { Answer, Checked } from '../api/shapes';
import { isAdditive, numeric } from './series';

export type Chart = 'auto' | 'lines' | 'bars' | 'area' | 'table' | 'number' | 'events' | 'top';
export type Drawn = Exclude<Chart, 'auto'>;

type Shape = Pick<Checked, 'kind' | 'time_column' | 'by' | 'values' | 'pipes'>;

/** Of `chart`, what can be: a table where the answer is nothing else. */
export function drawnAs(chart: Chart, check: Shape, answer: Pick<Answer, 'rows' | 'events'>): Drawn {
  const possible = waysOf(check, answer);
  if (chart !== 'auto' && possible.includes(chart)) return chart;
  return possible[0] ?? 'table';
}

/** Ways to draw an answer, the one that suits best first. */
export function waysOf(check: Shape, answer: Pick<Answer, 'rows' | 'events'>): Drawn[] {
  if (answer.rows === undefined) return ['events'];
  if (check.time_column !== null) {
    const counts = check.values.length > 0 && check.values.every((name) => isAdditive(name, check.pipes));
    return counts ? ['bars', 'lines', 'area', 'table'] : ['lines', 'area', 'bars', 'table'];
  }
  const row = answer.rows[0];
  const hasNumbers = check.values.some((name) => answer.rows?.some((each) => numeric(each[name]) !== null));
  if (answer.rows.length === 1 && check.by.length === 0 && row !== undefined && hasNumbers)
    return ['number', 'table'];
  return hasNumbers && check.by.length > 0 ? ['table', 'top'] : ['table'];
}
