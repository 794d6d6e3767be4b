/* The ledger in words and in rows: what a finding means, and what to do about it. */

import type { Finding, LedgerMinute } from '../api/operating';
import { imbalance } from './wellbeing';

const ADVICE: Record<string, string> = {
  gap: 'A batch was confirmed and is in no store. Look whether a queue or a store was put back to an earlier state; a backup of it may have the batch.',
  imbalance:
    'Counts that must be equal are not. Count all (below) to see of which day; then run cordwood store check.',
  events_missing:
    'The store holds fewer events of a day than its books say. Run cordwood store check; what is gone comes back from a backup.',
  events_surplus:
    'The store holds more events of a day than its books say. Was something written past Cordwood, or a backup put beside what was there?',
  rows_missing:
    'Somebody removed rows in SQL. Answers come from the segments, and are right; the rows come back from a backup.',
  rows_surplus: 'Somebody added rows in SQL. Answers come from the segments, and are right.',
  damage:
    'Bytes of the store are not those that were written. Run cordwood store check, and put the files it names back from a backup.',
  in_flight:
    'It may still be in the queue, or in a worker’s hands. Nothing to do, unless it stays for minutes.',
  unverified:
    'Its process was killed. What it had acknowledged is in the queue or in the store; only the numbers cannot prove it.',
};

const TITLES: Record<string, string> = {
  gap: 'Gap',
  imbalance: 'Imbalance',
  events_missing: 'Events missing',
  events_surplus: 'Too many events',
  rows_missing: 'Rows missing',
  rows_surplus: 'Too many rows',
  damage: 'Damage',
  in_flight: 'In flight',
  unverified: 'Unverified',
};

export function titleOf(finding: Finding): string {
  return TITLES[finding.kind] ?? finding.kind;
}

export function adviceOf(finding: Finding): string {
  return ADVICE[finding.kind] ?? 'The page on the ledger in the documentation tells what this means.';
}

export interface StripMinute {
  startMs: number;
  minute: LedgerMinute | null;
  /** Accepted and nowhere; below 0: more than was accepted. */
  missing: number;
}

/** One entry for each minute from `startMs` to `endMs`, also where nothing came. */
export function strip(minutes: readonly LedgerMinute[], startMs: number, endMs: number): StripMinute[] {
  const known = new Map(minutes.map((each) => [Math.floor(Date.parse(each.minute) / 60_000), each]));
  const first = Math.floor(startMs / 60_000);
  const last = Math.floor(endMs / 60_000);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => {
    const minute = known.get(first + at) ?? null;
    return { startMs: (first + at) * 60_000, minute, missing: minute === null ? 0 : imbalance(minute) };
  });
}

export interface StripBar {
  startMs: number;
  endMs: number;
  accepted: number;
  missing: number;
}

/** At most `most` bars of equally many minutes each. What does not add up is never evened out by another minute. */
export function bars(minutes: readonly StripMinute[], most: number): StripBar[] {
  const each = Math.max(1, Math.ceil(minutes.length / most));
  const found: StripBar[] = [];
  for (let at = 0; at < minutes.length; at += each) {
    const some = minutes.slice(at, at + each);
    const first = some[0];
    if (first === undefined) break;
    found.push({
      startMs: first.startMs,
      endMs: first.startMs + some.length * 60_000,
      accepted: some.reduce((sum, one) => sum + (one.minute?.accepted ?? 0), 0),
      missing: some.reduce((sum, one) => sum + Math.abs(one.missing), 0),
    });
  }
  return found;
}
