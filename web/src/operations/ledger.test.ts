import { expect, test } from 'vitest';
import type { LedgerMinute } from '../api/operating';
import { adviceOf, bars, strip } from './ledger';

const minute = (at: string, accepted: number, stored: number): LedgerMinute => ({
  minute: `2026-11-26T10:${at}:00.000000Z`,
  accepted,
  stored,
  deduplicated: 0,
  dead_lettered: 0,
  batches: 1,
});
const startMs = Date.parse('2026-11-26T10:00:00Z');

test('minutes without events are in the strip', () => {
  const found = strip([minute('01', 5, 5)], startMs, startMs + 3 * 60_000);
  expect(found.map((each) => each.minute?.accepted ?? 0)).toEqual([0, 5, 0, 0]);
});

test('what is missing in one minute is not made up for by a surplus in another', () => {
  const found = strip([minute('00', 5, 3), minute('01', 5, 7)], startMs, startMs + 60_000);
  expect(found.map((each) => each.missing)).toEqual([2, -2]);
  expect(bars(found, 1)).toEqual([{ startMs, endMs: startMs + 120_000, accepted: 10, missing: 4 }]);
});

test('every kind of finding has advice, also one that a later version brings', () => {
  expect(adviceOf({ kind: 'gap', is_fault: true, what: '', events: null })).toContain('backup');
  expect(adviceOf({ kind: 'new', is_fault: true, what: '', events: null })).toContain('documentation');
});
