import { expect, test } from 'vitest';
import { ago, duration, isRelative, momentMs, spanText } from './times';

const NOW = Date.parse('2026-11-26T10:00:00Z');

test('times are read as the API reads them', () => {
  expect(momentMs('-15m', NOW)).toBe(NOW - 900_000);
  expect(momentMs('now', NOW)).toBe(NOW);
  expect(momentMs('1795435200', NOW)).toBe(1_795_435_200_000);
  expect(momentMs('2026-11-26T09:00:00Z', NOW)).toBe(NOW - 3_600_000);
  expect(momentMs('', NOW)).toBeNull();
  expect(momentMs('yesterday', NOW)).toBeNull();
});

test('a span goes with the clock, or stands', () => {
  expect(isRelative('-15m')).toBe(true);
  expect(isRelative('2026-11-26T09:00:00Z')).toBe(false);
  expect(spanText('-15m', '')).toBe('Last 15 minutes');
  expect(spanText('-1h', 'now')).toBe('Last hour');
  expect(spanText('', '')).toBe('All time');
  expect(spanText('-2d', '-1d')).toBe('-2d to -1d');
});

test('durations name two units at most', () => {
  expect(duration(350)).toBe('350 ms');
  expect(duration(12_000)).toBe('12 s');
  expect(duration(200_000)).toBe('3 m 20 s');
  expect(duration(7_500_000)).toBe('2 h 5 m');
  expect(duration(86_400_000)).toBe('1 d');
  expect(ago(NOW - 200_000, NOW)).toBe('3 m ago');
});
