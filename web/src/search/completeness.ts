/* How complete an answer is, in words. */

import type { Completeness } from '../api/shapes';
import { counted } from '../text/numbers';
import { duration } from '../text/times';

export function tookText(answer: Completeness): string {
  return answer.cached ? 'from the cache' : answer.took_ms < 1 ? 'under 1 ms' : duration(answer.took_ms);
}

/** What cannot be read, or null. */
export function damageText(answer: Completeness): string | null {
  if (answer.complete) return null;
  const damaged = answer.damaged ?? [];
  if (damaged.length === 0) return 'This answer is incomplete: not everything that is stored could be read.';
  const events = damaged.reduce((sum, each) => sum + each.events, 0);
  return `This answer is incomplete: ${counted(damaged.length, 'segment')} with ${counted(events, 'event')} cannot be read.`;
}

/** How much was opened for it, or null where the store does not tell. */
export function effortText(answer: Completeness): string | null {
  const parts: string[] = [];
  if (answer.scanned !== undefined) parts.push(`${counted(answer.scanned, 'event')} looked at`);
  if (answer.segments) {
    const { read, skipped } = answer.segments;
    parts.push(`${counted(read, 'segment')} read, ${skipped.toLocaleString('en')} skipped`);
  }
  return parts.length === 0 ? null : parts.join(' · ');
}
