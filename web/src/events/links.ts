/* Where an event leads. */

import type { LogEvent } from '../api/shapes';
import { search } from '../search/search.svelte';
import { address } from '../state/address.svelte';
import { session } from '../state/session.svelte';
import { momentMs, rfc3339 } from '../text/times';

const AROUND_MS = 15 * 60_000;

/** A link that opens the event wherever it stands, in a range of time that has it. */
export function linkTo(event: LogEvent): string {
  const ms = Date.parse(event.timestamp);
  const params = new URLSearchParams(address.params);
  params.set('start', rfc3339(ms - AROUND_MS));
  params.set('end', rfc3339(ms + AROUND_MS));
  params.set('event', event.id);
  return `${location.origin}/?${params.toString()}`;
}

/** Everything that has the same trace as an event, in a range of time that has the event. */
export function followTrace(trace: { field: string; value: string }, event: LogEvent): void {
  const ms = Date.parse(event.timestamp);
  const { start, end } = search;
  const isShown =
    ms >= (momentMs(start, session.nowMs()) ?? 0) && ms <= (momentMs(end, session.nowMs()) ?? Infinity);
  if (!isShown) search.setSpan(rfc3339(ms - AROUND_MS), rfc3339(ms + AROUND_MS));
  void search.refine(trace, 'only');
}
