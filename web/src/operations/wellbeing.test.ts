import { expect, test } from 'vitest';
import type { Status } from '../api/operating';
import { imbalance, perMinute, remarks } from './wellbeing';

const calm: Status = {
  now: '2026-11-26T10:00:30Z',
  service: 'up',
  version: '0.1.0',
  started_at: '2026-11-26T09:00:00Z',
  broker: { batches: 0, bytes: 0, oldest_age_s: null },
  minutes: [
    { start: '2026-11-26T09:59:00Z', accepted: 5, stored: 3, deduplicated: 1, dead_lettered: 1, batches: 2 },
  ],
  accept_to_stored: { p50_ms: 20, p99_ms: 80, max_ms: 90, batches: 2 },
  ingest: { events_per_s: 0.1 },
  store: { kind: 'segments', events: 3, segments: 1, bytes: 100 },
  retention_days: null,
  dead_letters: { events: 0, letters: 0 },
};
const ready = { isReady: true, reasons: {} };

test('of a calm platform there is nothing to say', () => {
  expect(remarks(calm, ready)).toEqual([]);
  expect(remarks({ ...calm, broker: null, accept_to_stored: null }, null)).toEqual([]);
});

test('what is not ready comes first', () => {
  const troubled = { ...calm, dead_letters: { events: 1, letters: 1 } };
  const found = remarks(troubled, { isReady: false, reasons: { store: 'the disk is full' } });
  expect(found.map((each) => each.grade)).toEqual(['bad', 'caution']);
  expect(found[0]?.what).toContain('the disk is full');
  expect(found[1]?.what).toBe('1 event could not be stored: they are kept as dead letters');
});

test('a queue that is full for a moment is no trouble, one that is stuck is', () => {
  const queue = (oldest_age_s: number) => ({ ...calm, broker: { batches: 3, bytes: 100, oldest_age_s } });
  expect(remarks(queue(5), ready)).toEqual([]);
  expect(remarks(queue(60), ready)[0]?.grade).toBe('caution');
  expect(remarks(queue(3600), ready)[0]?.grade).toBe('bad');
});

test('a minute that does not add up is said, whichever way', () => {
  const minute = { ...calm.minutes[0]!, stored: 1 };
  expect(imbalance(minute)).toBe(2);
  expect(imbalance({ ...minute, stored: 5 })).toBe(-2);
  expect(remarks({ ...calm, minutes: [minute] }, ready)[0]?.what).toBe(
    '1 minute of the last hour does not add up',
  );
});

test('a minute without events is a minute with 0', () => {
  const found = perMinute(
    calm.minutes,
    (minute) => minute.start,
    (minute) => minute.accepted,
    Date.parse(calm.now),
    3,
  );
  expect(found.map((each) => each.value)).toEqual([0, 5, 0]);
  expect(new Date(found[2]!.startMs).toISOString()).toBe('2026-11-26T10:00:00.000Z');
});
