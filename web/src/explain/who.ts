/* What a selection is called at the beginning of a sentence. */

import { said } from '../text/line';
import { localDate, localTime } from '../text/times';
import type { Selection } from './baselines';

/** "Between 10:04:00 and 10:09:00, events that match level:error" */
export function who({ line, fromMs, toMs }: Selection): string {
  const text = line.trim();
  const what = text === '' || text === '*' ? 'events' : `events that match ${said(text, 80)}`;
  if (fromMs === null) return `Of all time, ${what}`;
  // A day is named where there are two.
  const isOneDay = localDate(fromMs) === localDate(toMs);
  const shown = (ms: number): string => (isOneDay ? localTime(ms, false).slice(11) : localTime(ms, false));
  return `Between ${shown(fromMs)} and ${shown(toMs)}, ${what}`;
}
