import { expect, test } from 'vitest';
import type { Answer, Empty } from '../api/shapes';
import { isEmpty, reasonOf } from './emptiness';

const answer = (empty?: Empty): Answer => ({
  rows: [],
  cached: false,
  took_ms: 1,
  exact: true,
  complete: true,
  watermark: null,
  in_flight: null,
  ...(empty && { empty }),
});

test('an answer without events or rows is empty', () => {
  expect(isEmpty(answer())).toBe(true);
  expect(isEmpty({ ...answer(), rows: [{ n: 0 }] })).toBe(false);
});

test('the reason is the nearest one that the server found', () => {
  expect(reasonOf(answer())).toBe('Nothing matches in this time range.');
  expect(reasonOf(answer({ unknown_fields: [{ name: 'serivce', suggestion: 'service' }] }))).toBe(
    'No event has the field serivce. Did you mean service?',
  );
  expect(reasonOf(answer({ events_in_range: 5120, removed_by: 'service:chekout' }))).toBe(
    'None of 5,120 events in this time range is left by service:chekout.',
  );
  expect(reasonOf(answer({ events_matching: 3 }))).toMatch(/^3 events match, but the pipes/);
  expect(reasonOf(answer({ events_in_range: 0, events_stored: 9, newest: '2026-11-26T08:00:00Z' }))).toMatch(
    /the newest is of 2026-11-2/,
  );
  expect(reasonOf(answer({ events_stored: 0 }))).toBe('No events are stored yet.');
});
