/* What a rule would have seen: its counts over time, with its threshold, and when it would have fired. */

import type { Backtest } from '../api/alerts';
import type { Condition } from './rule';

const MOST_SPANS = 20_000;

/** Seconds of the spans to count by, so that windows are made of whole ones; longer where there were too many. */
export function spanFor(windowS: number, intervalS: number, rangeS: number): number {
  const [window, interval] = [Math.max(1, Math.round(windowS)), Math.max(1, Math.round(intervalS))];
  const common = divisor(window, interval);
  if (rangeS / common <= MOST_SPANS) return common;
  return Math.max(common, Math.ceil(rangeS / MOST_SPANS));
}

function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other);
}

export interface Point {
  /** When the window ends. */
  atMs: number;
  value: number;
}

/** The count of each window, one for each span from `startMs` to `endMs`. Spans without a count have none. */
export function windowCounts(
  counts: readonly { start: string; count: number }[],
  startMs: number,
  endMs: number,
  spanS: number,
  windowS: number,
): Point[] {
  const spanMs = spanS * 1000;
  const known = new Map(counts.map((each) => [Math.floor(Date.parse(each.start) / spanMs), each.count]));
  const wide = Math.max(1, Math.round(windowS / spanS));
  const first = Math.floor(startMs / spanMs);
  const last = Math.floor(endMs / spanMs);
  const points: Point[] = [];
  let sum = 0;
  for (let at = first - wide; at < last; at += 1) {
    sum += (known.get(at) ?? 0) - (known.get(at - wide) ?? 0);
    if (at >= first) points.push({ atMs: (at + 1) * spanMs, value: sum });
  }
  return points;
}

/** At most `most` points: of each stretch the one that is nearest to firing, so that no peak is evened out. */
export function thinned(points: readonly Point[], most: number, condition: Condition): Point[] {
  const isLow = condition.sign === '<' || condition.sign === '<=' || condition.threshold === 0;
  const wantsLow = isLow && condition.sign !== '>' && condition.sign !== '>=';
  const each = Math.max(1, Math.ceil(points.length / most));
  const found: Point[] = [];
  for (let at = 0; at < points.length; at += each) {
    const some = points.slice(at, at + each);
    found.push(
      some.reduce((best, one) => ((wantsLow ? one.value < best.value : one.value > best.value) ? one : best)),
    );
  }
  return found;
}

/** A round number at or above all of the values and the threshold, so that both are inside the chart. */
export function ceiling(points: readonly Point[], threshold: number): number {
  const most = points.reduce((best, one) => Math.max(best, one.value), Math.max(threshold, 1)) * 1.05;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= most) ?? most;
}

/** In one sentence. */
export function verdict(tried: Backtest, days: number): string {
  const times = tried.fired === 1 ? 'once' : `${tried.fired.toLocaleString('en')} times`;
  const span = days === 1 ? 'the last day' : `the last ${days} days`;
  const sentence =
    tried.fired === 0 ? `It would not have fired in ${span}.` : `It would have fired ${times} in ${span}.`;
  return tried.complete ? sentence : `${sentence.slice(0, -1)}, as far back as there was time to look.`;
}
