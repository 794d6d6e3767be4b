/* What of the platform is well and what is not, in words, from what it tells of itself. */

import type { Readiness, Status } from '../api/operating';
import { bytes, counted } from '../text/numbers';
import { duration } from '../text/times';

export type Grade = 'good' | 'caution' | 'bad';

export interface Remark {
  grade: Grade;
  what: string;
  /** What to do, or what it means. */
  hint: string;
  /** Where to look further. */
  href?: string;
}

const QUEUE_OLD_S = 30;
const QUEUE_STUCK_S = 300;
const SLOW_MS = 30_000;

/** The gravest first; nothing when all is well. */
export function remarks(status: Status, readiness: Readiness | null): Remark[] {
  const found: Remark[] = [];
  for (const [part, reason] of Object.entries(readiness?.reasons ?? {})) {
    found.push({
      grade: 'bad',
      what: `Not ready: ${part}: ${reason}`,
      hint: 'Senders are told to try again, and lose nothing that they keep. Its log says more.',
    });
  }
  const age = status.broker?.oldest_age_s ?? 0;
  if (age >= QUEUE_OLD_S && status.broker !== null && status.broker.batches > 0) {
    found.push({
      grade: age >= QUEUE_STUCK_S ? 'bad' : 'caution',
      what: `The oldest batch has waited ${duration(age * 1000)} in the queue`,
      hint: 'What is accepted cannot be found before it is stored. Is a worker running, and its disk not full?',
    });
  }
  const slow = status.accept_to_stored;
  if (slow !== null && slow.p99_ms >= SLOW_MS) {
    found.push({
      grade: 'caution',
      what: `One batch in a hundred takes ${duration(slow.p99_ms)} and more until it can be found`,
      hint: 'Workers do not keep up with what comes in, or had something to make up for.',
    });
  }
  if (status.dead_letters.events > 0) {
    found.push({
      grade: 'caution',
      what: `${counted(status.dead_letters.events, 'event')} could not be stored: they are kept as dead letters`,
      hint: 'Their bytes are as they were sent. Mend and replay them, or give them up.',
      href: '/operations/dead-letters',
    });
  }
  const uneven = status.minutes.filter((minute) => imbalance(minute) !== 0).length;
  if (uneven > 0) {
    found.push({
      grade: 'bad',
      what: `${counted(uneven, 'minute')} of the last hour ${uneven === 1 ? 'does' : 'do'} not add up`,
      hint: 'Accepted events are neither stored, nor deduplicated, nor dead letters.',
      href: '/operations/ledger',
    });
  }
  const weight: Record<Grade, number> = { bad: 0, caution: 1, good: 2 };
  return found.sort((one, other) => weight[one.grade] - weight[other.grade]);
}

interface Counted {
  accepted: number;
  stored: number;
  deduplicated: number;
  dead_lettered: number;
}

/** How many accepted events nobody accounts for; below 0: how many too many. */
export function imbalance(minute: Counted): number {
  return minute.accepted - minute.stored - minute.deduplicated - minute.dead_lettered;
}

/** One number for each of the `count` minutes before `endMs`, also for those in which nothing came. */
export function perMinute<M>(
  minutes: readonly M[],
  startOf: (minute: M) => string,
  valueOf: (minute: M) => number,
  endMs: number,
  count: number,
): { startMs: number; value: number }[] {
  const known = new Map(
    minutes.map((minute) => [Math.floor(Date.parse(startOf(minute)) / 60_000), valueOf(minute)]),
  );
  const last = Math.floor(endMs / 60_000);
  return Array.from({ length: count }, (_, at) => {
    const minute = last - count + 1 + at;
    return { startMs: minute * 60_000, value: known.get(minute) ?? 0 };
  });
}

export function storeText(store: Status['store']): string {
  const size = store.bytes === null ? '' : bytes(store.bytes);
  const parts = store.segments === null ? '' : counted(store.segments, 'segment');
  return [size, parts].filter(Boolean).join(' in ') || 'Its size is not known';
}
