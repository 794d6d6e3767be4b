/* Why a panel has nothing to show, in a sentence or two. */

import type { Answer } from '../api/shapes';
import { counted, number } from '../text/numbers';
import { localTime } from '../text/times';
import { oneLine } from '../text/line';

export function isEmpty(answer: Answer): boolean {
  return (answer.events ?? answer.rows ?? []).length === 0;
}

export function reasonOf(answer: Answer): string {
  const why = answer.empty;
  if (why === undefined) return 'Nothing matches in this time range.';
  const unknown = why.unknown_fields?.[0];
  if (unknown !== undefined) {
    const instead = unknown.suggestion === null ? '' : ` Did you mean ${oneLine(unknown.suggestion)}?`;
    return `No event has the field ${oneLine(unknown.name)}.${instead}`;
  }
  if (why.events_matching !== undefined && why.events_matching > 0)
    return `${counted(why.events_matching, 'event')} match, but the pipes leave nothing of them.`;
  if (why.retention !== undefined && why.retention.events_dropped > 0)
    return `Retention of ${counted(why.retention.days, 'day')} took ${counted(why.retention.events_dropped, 'event')} out of this time range.`;
  if (why.removed_by !== undefined) {
    const range = why.events_in_range === undefined ? 'the' : number(why.events_in_range);
    return `None of ${range} events in this time range is left by ${oneLine(why.removed_by)}.`;
  }
  if (why.newest !== undefined)
    return `No events in this time range; the newest is of ${localTime(Date.parse(why.newest), false)}.`;
  if (why.events_stored === 0) return 'No events are stored yet.';
  return 'Nothing matches in this time range.';
}
