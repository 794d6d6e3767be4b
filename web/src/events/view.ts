/* How events are shown: which parts of a row, and how high it is before it is measured. */

import type { LogEvent } from '../api/shapes';
import { localDate, localTime } from '../text/times';

export type View = 'lines' | 'wrapped' | 'raw' | 'table';
export const VIEWS: readonly { view: View; label: string }[] = [
  { view: 'lines', label: 'Lines' },
  { view: 'wrapped', label: 'Wrapped' },
  { view: 'table', label: 'Table' },
  { view: 'raw', label: 'Raw' },
];
export const ROW_PX = 24;

/** What the address says; a table where columns were chosen. */
export function viewNamed(text: string, columns: readonly string[]): View {
  return VIEWS.find((each) => each.view === text)?.view ?? (columns.length > 0 ? 'table' : 'lines');
}

/** Chosen columns; the message is always there, and is the last if nobody put it elsewhere. */
export function shownColumns(chosen: readonly string[]): string[] {
  if (chosen.length === 0) return ['level', 'service', 'message'];
  return chosen.includes('message') ? [...chosen] : [...chosen, 'message'];
}

/** 08:15:03.123; with the day where it is not today's. */
export function timeText(timestamp: string, nowMs: number): string {
  const ms = Date.parse(timestamp);
  const whole = localTime(ms);
  return localDate(ms) === localDate(nowMs) ? whole.slice(11) : whole.slice(5);
}

export function jsonOf(event: LogEvent, isPretty = false): string {
  return JSON.stringify(event.data, null, isPretty ? 2 : 0);
}
