/* What a selection is compared with. The selection is a span of time that was brushed, or all that a filter finds. */

import type { ExplainRequest } from '../api/explore';
import { rfc3339 } from '../text/times';

export type BaselineName = 'others' | 'before' | 'rest' | 'day' | 'week';

export interface Baseline {
  name: BaselineName;
  label: string;
  /** Of what the percentages on the other side are. */
  words: string;
}

/** What is selected; null is without bound. */
export interface Selection {
  line: string;
  fromMs: number | null;
  toMs: number;
  /** A part of the range was brushed. */
  isBrushed: boolean;
  /** The whole range. */
  startMs: number | null;
  endMs: number;
}

const DAY_MS = 86_400_000;
const ALL: readonly Baseline[] = [
  { name: 'others', label: 'All events then', words: 'of all events then' },
  { name: 'before', label: 'The time before', words: 'just before' },
  { name: 'rest', label: 'The rest of the range', words: 'in the rest of the range' },
  { name: 'day', label: 'A day before', words: 'a day before' },
  { name: 'week', label: 'A week before', words: 'a week before' },
];

const hasFilter = (line: string): boolean => line.trim() !== '' && line.trim() !== '*';

/** What it can be compared with, the most telling first. */
export function baselines(selection: Selection): Baseline[] {
  return ALL.filter(({ name }) => {
    if (name === 'others') return hasFilter(selection.line);
    if (name === 'rest') return selection.isBrushed;
    return selection.fromMs !== null;
  });
}

export function request(selection: Selection, name: BaselineName): ExplainRequest {
  const { line, fromMs, toMs } = selection;
  const whole = {
    query: line,
    ...(fromMs !== null && { start: rfc3339(fromMs) }),
    end: rfc3339(toMs),
  };
  return { ...whole, baseline: baselineOf(selection, name) };
}

function baselineOf(selection: Selection, name: BaselineName): NonNullable<ExplainRequest['baseline']> {
  const { line, startMs, endMs, toMs } = selection;
  // Without a bound there is no other time: only 'others' is offered then.
  const fromMs = selection.fromMs ?? 0;
  const shifted = (ms: number) => ({ start: rfc3339(fromMs - ms), end: rfc3339(toMs - ms) });
  switch (name) {
    case 'others':
      return { query: '' };
    case 'before':
      return shifted(toMs - fromMs);
    case 'day':
      return shifted(DAY_MS);
    case 'week':
      return shifted(7 * DAY_MS);
    case 'rest': {
      const outside = `-timestamp:[${rfc3339(fromMs)} TO ${rfc3339(toMs)}}`;
      return {
        query: hasFilter(line) ? `(${line}) ${outside}` : outside,
        start: rfc3339(startMs ?? 0),
        end: rfc3339(endMs),
      };
    }
  }
}
