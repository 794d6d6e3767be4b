/* From a row of a table to its events: the search line, with the row's groups put in, and its time. */

import { refine } from '../api/search';
import type { Checked, Row } from '../api/shapes';
import { seriesOf } from '../charts/series';

/** Groups are fields of events only where the table was made of events as they are. */
export function canDrill(check: Checked): boolean {
  return (
    /^(stats|timechart|top|rare)\b/.test(check.pipes[0] ?? '') &&
    !check.pipes.some((pipe) => pipe.startsWith('rename'))
  );
}

/** The search line that finds a row's events. Throws Problem. */
export async function lineOf(line: string, check: Checked, row: Row): Promise<string> {
  let found = line.trim();
  for (const field of check.by) {
    if (field !== check.time_column)
      found = await refine(found, { field, value: row[field] ?? null }, 'include');
  }
  return found;
}

/** A row's own time, ms; null where it has none. */
export function timeOf(rows: readonly Row[], check: Checked, row: Row): [number, number] | null {
  const startMs = check.time_column === null ? NaN : Date.parse(String(row[check.time_column]));
  if (Number.isNaN(startMs)) return null;
  return [startMs, startMs + (seriesOf(rows, check)?.widthMs ?? 60e3)];
}
