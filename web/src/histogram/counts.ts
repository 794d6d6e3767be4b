/* The counts of what is asked, with the span they are of. */

import { histogram } from '../api/search';
import type { Histogram } from '../api/shapes';
import { rfc3339 } from '../text/times';

export interface Counts {
  answer: Histogram;
  /** null: there is no event at all. */
  startMs: number | null;
  endMs: number;
  by: 'level' | 'service';
}

interface Question {
  line: string;
  start: string;
  startMs: number | null;
  endMs: number;
}

/** For all time the first event is looked for by days: a round span needs a beginning. */
export async function counts(
  { line, start, startMs, endMs }: Question,
  by: 'level' | 'service',
  signal: AbortSignal,
): Promise<Counts> {
  const end = rfc3339(endMs);
  if (start !== '') return { answer: await histogram(line, { start, end }, by, signal), startMs, endMs, by };
  const days = await histogram(line, { start, end }, by, signal, '1d');
  const first = days.counts[0];
  if (first === undefined) return { answer: days, startMs: null, endMs, by };
  const answer = await histogram(line, { start: first.start, end }, by, signal);
  // Not the whole first day, where the events begin in it.
  return { answer, startMs: Date.parse(answer.counts[0]?.start ?? first.start), endMs, by };
}
