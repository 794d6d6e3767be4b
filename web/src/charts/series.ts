/* Rows of `timechart` → lines over equal spans of time, for a chart to draw. */

import type { Checked, Json, Row } from '../api/shapes';

export interface Line {
  name: string;
  /** Of the groups, in the order of `by`; null where an event has none. */
  groups: readonly (string | null)[];
  /** One for each time; null is a gap. */
  values: (number | null)[];
  total: number;
}

export interface Series {
  /** Beginnings of spans, ms since 1970. */
  times: number[];
  widthMs: number;
  /** The greatest first. */
  lines: Line[];
  /** Groups that are one line together, or, where numbers cannot be added, that are not shown. */
  others: number;
  /** Values may be added up: counts, sums, rates. */
  isAdditive: boolean;
}

export interface Bounds {
  startMs: number | null;
  endMs: number;
}

const MOST_LINES = 12;
/** Beyond this, spans without rows are not filled in. */
const MOST_SPANS = 5000;
const ADDITIVE = 'count|count_distinct|approx_count_distinct|rate|sum';
const UNITS_MS: Record<string, number> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

/** A number, or a text that spells one; else null. */
export function numeric(value: Json | undefined): number | null {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined || typeof value === 'boolean' || Array.isArray(value))
    return null;
  const text = String(value);
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : null;
}

/** Does nothing in a span mean 0, and may groups be added up? */
export function isAdditive(column: string, pipes: readonly string[]): boolean {
  if (new RegExp(`^(${ADDITIVE})\\(`).test(column)) return true;
  const named = column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const made = new RegExp(`\\b(${ADDITIVE})\\([^|]*?\\bas ["\`]?${named}(["\`,\\s]|$)`);
  const found = pipes.map((pipe) => made.exec(pipe)).find((match) => match !== null);
  // The aggregate right before "as": another one may stand in front of it.
  const last = found && [...found[0].matchAll(/([a-z_0-9.]+)\(/g)].at(-1)?.[1];
  return last ? new RegExp(`^(${ADDITIVE})$`).test(last) : column === 'count';
}

/** Null, if nothing in the rows can be drawn over time. */
export function seriesOf(
  rows: readonly Row[],
  check: Pick<Checked, 'time_column' | 'by' | 'values' | 'pipes'>,
  bounds: Bounds | null = null,
  most = MOST_LINES,
): Series | null {
  const time = check.time_column;
  if (time === null) return null;
  const by = check.by.filter((name) => name !== time);
  const columns = check.values.filter((name) => rows.some((row) => numeric(row[name]) !== null));
  if (columns.length === 0) return null;
  const additive = columns.every((name) => isAdditive(name, check.pipes));
  const stamps = [...new Set(rows.map((row) => Date.parse(String(row[time]))))]
    .filter((ms) => !Number.isNaN(ms))
    .sort((a, b) => a - b);
  if (stamps.length === 0) return null;
  const widthMs = widthOf(stamps, check.pipes, bounds);
  const times = filled(stamps, widthMs, bounds);
  const place = new Map(times.map((ms, at) => [ms, at]));
  const lines = new Map<string, Line>();
  for (const row of rows) {
    const at = place.get(Date.parse(String(row[time])));
    if (at === undefined) continue;
    const groups = by.map((name) => textOf(row[name]));
    for (const column of columns) {
      const value = numeric(row[column]);
      const key = JSON.stringify([groups, column]);
      let line = lines.get(key);
      if (line === undefined) {
        const name = [
          ...groups.map((group) => group ?? 'none'),
          ...(columns.length > 1 || by.length === 0 ? [column] : []),
        ];
        line = {
          name: name.join(' · '),
          groups,
          values: Array<number | null>(times.length).fill(additive ? 0 : null),
          total: 0,
        };
        lines.set(key, line);
      }
      line.values[at] = value;
      line.total += value ?? 0;
    }
  }
  const ordered = [...lines.values()].sort((a, b) => b.total - a.total);
  const [shown, rest] =
    ordered.length > most ? [ordered.slice(0, most - 1), ordered.slice(most - 1)] : [ordered, []];
  if (additive && rest.length > 0) shown.push(together(rest, times.length));
  return { times, widthMs, lines: shown, others: rest.length, isAdditive: additive };
}

/** Each layer upon those behind it in the list; hidden ones take no room. */
export function stacked(lines: readonly Line[], hidden: ReadonlySet<string>): (number | null)[][] {
  const below = Array<number>(lines[0]?.values.length ?? 0).fill(0);
  return lines
    .map((line) =>
      line.values.map((value, at) => {
        if (hidden.has(line.name)) return null;
        below[at] = (below[at] ?? 0) + (value ?? 0);
        return below[at] ?? 0;
      }),
    )
    .reverse();
}

function together(lines: readonly Line[], length: number): Line {
  const values = Array.from({ length }, (_, at) =>
    lines.reduce((sum, line) => sum + (line.values[at] ?? 0), 0),
  );
  const total = lines.reduce((sum, line) => sum + line.total, 0);
  return { name: `${lines.length} others`, groups: [], values, total };
}

function textOf(value: Json | undefined): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' && Array.isArray(value) ? JSON.stringify(value) : String(value);
}

/** As the query says; else the shortest step between two rows. */
function widthOf(stamps: readonly number[], pipes: readonly string[], bounds: Bounds | null): number {
  for (const pipe of pipes) {
    const said = /\bspan=(\d+)(ms|[smhdw])\b|\btime\((\d+)(ms|[smhdw])\)/.exec(pipe);
    if (said) return Number(said[1] ?? said[3]) * (UNITS_MS[said[2] ?? said[4] ?? ''] ?? NaN);
  }
  let least = Infinity;
  for (let at = 1; at < stamps.length; at += 1) {
    least = Math.min(least, (stamps[at] ?? 0) - (stamps[at - 1] ?? 0));
  }
  if (least !== Infinity) return least;
  return bounds?.startMs == null ? 60e3 : Math.max(1e3, (bounds.endMs - bounds.startMs) / 60);
}

/** Every span from the first to the last, or of all of the bounds. */
function filled(stamps: readonly number[], widthMs: number, bounds: Bounds | null): number[] {
  const first = stamps[0] ?? 0;
  const last = stamps.at(-1) ?? 0;
  const from =
    bounds?.startMs == null
      ? first
      : first -
        Math.max(
          0,
          Math.floor((first - bounds.startMs) / widthMs) + (bounds.startMs % widthMs === 0 ? 0 : 1),
        ) *
          widthMs;
  const to =
    bounds === null ? last : last + Math.max(0, Math.ceil((bounds.endMs - last) / widthMs) - 1) * widthMs;
  const count = Math.round((to - from) / widthMs) + 1;
  if (count > MOST_SPANS) return [...stamps];
  const all = new Set(Array.from({ length: count }, (_, at) => from + at * widthMs));
  for (const ms of stamps) all.add(ms);
  return [...all].sort((a, b) => a - b);
}
