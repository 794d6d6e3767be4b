/* How the events of one template spread over time, and which levels they have. */

import { ask } from '../api/http';
import type { Answer } from '../api/shapes';
import { rfc3339 } from '../text/times';
import { spanFor } from './spark';
import { clauseOf, type Pattern } from './template';

export interface OverTime {
  /** The clause that finds them. */
  clause: string;
  counts: [number, number][];
  spanMs: number;
  levels: Map<string, number>;
}

/** Null where no clause finds them. */
export async function overTime(
  line: string,
  pattern: Pattern,
  startMs: number,
  endMs: number,
  signal: AbortSignal,
): Promise<OverTime | null> {
  const spanS = spanFor(startMs, endMs);
  for (const isLoose of [false, true]) {
    const clause = clauseOf(pattern.template, isLoose);
    if (clause === null) return null;
    const within = line.trim() === '' ? '' : `(${line}) `;
    const query = `${within}${clause} | timechart span=${spanS}s count() as n by level`;
    const params = { query, start: rfc3339(startMs), end: rfc3339(endMs) };
    const { rows = [] } = await ask<Answer>('query', { params, signal });
    if (rows.length === 0) continue;
    const levels = new Map<string, number>();
    const counts = rows.map((row): [number, number] => {
      const n = Number(row['n']);
      const level = String(row['level']);
      levels.set(level, (levels.get(level) ?? 0) + n);
      return [Date.parse(String(row['timestamp'])), n];
    });
    return { clause, counts, spanMs: spanS * 1000, levels };
  }
  return null;
}
