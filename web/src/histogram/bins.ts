/* An answer of counts as bins without gaps, one row of numbers for each value, ready to be stacked. */

import { LEVELS, type Histogram } from '../api/shapes';

export type Key = string | null;

export interface Row {
  /** What is counted: a level, a service, null for events that have none. */
  key: Key;
  /** It stands for several. */
  isRest: boolean;
  counts: number[];
  total: number;
}

export interface Bins {
  startMs: number;
  spanMs: number;
  count: number;
  /** The lowest of a stack first. */
  rows: Row[];
  totals: number[];
}

/** More than this no screen shows. */
const MOST_BINS = 4000;
const MOST_SERVICES = 8;

/** Of the span from `startMs` (null: from the first count) to `endMs`; null where there is nothing to divide. */
export function binned(answer: Histogram, startMs: number | null, endMs: number): Bins | null {
  const spanMs = answer.span_s * 1000;
  const first = answer.counts[0];
  const from = startMs ?? (first ? Date.parse(first.start) : null);
  if (from === null || !(spanMs > 0)) return null;
  const begin = Math.floor(from / spanMs) * spanMs;
  const count = Math.min(MOST_BINS, Math.max(1, Math.ceil((endMs - begin) / spanMs)));
  const keys = stacked(answer);
  const rows = keys.map(({ key, isRest }) => ({
    key,
    isRest,
    counts: new Array<number>(count).fill(0),
    total: 0,
  }));
  const places = new Map<Key, Row>();
  for (const row of rows) if (!row.isRest) places.set(row.key, row);
  const rest = rows.find((row) => row.isRest);
  const totals = new Array<number>(count).fill(0);
  for (const each of answer.counts) {
    const at = Math.floor((Date.parse(each.start) - begin) / spanMs);
    const row = places.get(each.value ?? null) ?? rest;
    if (row === undefined || at < 0 || at >= count) continue;
    row.counts[at] = (row.counts[at] ?? 0) + each.count;
    row.total += each.count;
    totals[at] = (totals[at] ?? 0) + each.count;
  }
  return { startMs: begin, spanMs, count, rows, totals };
}

/** The order of the stack: of levels the gravest at the bottom, of services the greatest. */
function stacked(answer: Histogram): { key: Key; isRest: boolean }[] {
  if (answer.by === 'level') {
    const there = new Set(answer.totals.map((each) => each.value));
    return [...LEVELS]
      .reverse()
      .filter((level) => there.has(level))
      .map(plain)
      .concat(there.has(null) ? [plain(null)] : []);
  }
  const keys = answer.totals.map((each) => each.value);
  if (keys.length <= MOST_SERVICES) return keys.map(plain);
  return [...keys.slice(0, MOST_SERVICES - 1).map(plain), { key: null, isRest: true }];
}

function plain(key: Key): { key: Key; isRest: boolean } {
  return { key, isRest: false };
}

/** For a chart that paints one over the other: the whole stack first, its lowest row last. */
export function layers(rows: readonly Row[], count: number): number[][] {
  const sums: number[][] = [];
  let below = new Array<number>(count).fill(0);
  for (const row of rows) {
    below = below.map((sum, at) => sum + (row.counts[at] ?? 0));
    sums.unshift(below);
  }
  return sums;
}

/** Where a bin begins and ends, within what was asked for. */
export function binSpan(bins: Bins, from: number, to: number): { fromMs: number; toMs: number } {
  return { fromMs: bins.startMs + from * bins.spanMs, toMs: bins.startMs + (to + 1) * bins.spanMs };
}
