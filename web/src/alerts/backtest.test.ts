import { expect, test } from 'vitest';
import { ceiling, spanFor, thinned, verdict, windowCounts } from './backtest';
import { conditionOf } from './rule';

const startMs = Date.parse('2026-11-26T10:00:00Z');
const minute = (at: number, count: number) => ({
  start: new Date(startMs + at * 60_000).toISOString(),
  count,
});

test('windows are made of whole spans, and those are not too many', () => {
  expect(spanFor(300, 60, 7 * 86_400)).toBe(60);
  expect(spanFor(300, 120, 86_400)).toBe(60);
  expect(spanFor(60, 1, 30 * 86_400)).toBe(130);
});

test('each point counts the whole window before it', () => {
  const found = windowCounts(
    [minute(-1, 7), minute(0, 1), minute(2, 5)],
    startMs,
    startMs + 240_000,
    60,
    120,
  );
  expect(found.map((each) => each.value)).toEqual([8, 1, 5, 5]);
  expect(found[0]?.atMs).toBe(startMs + 60_000);
});

test('no peak and no silence is lost where there are more points than room', () => {
  const points = [5, 1, 9, 4, 0, 6].map((value, at) => ({ atMs: at, value }));
  const values = (text: string) => thinned(points, 2, conditionOf(text)!).map((each) => each.value);
  expect(values('> 3')).toEqual([9, 6]);
  expect(values('> 0')).toEqual([9, 6]);
  expect(values('< 3')).toEqual([1, 0]);
  expect(values('no matches')).toEqual([1, 0]);
});

test('the threshold is inside the chart, with room above', () => {
  expect(ceiling([{ atMs: 0, value: 3 }], 100)).toBe(150);
  expect(ceiling([], 0)).toBe(1.5);
});

test('the verdict says how often, and when it could not look at all of it', () => {
  const tried = {
    start: '',
    end: '',
    complete: true,
    evaluations: 1,
    matches: 0,
    fired: 0,
    firings: [],
    counts: 1,
  };
  expect(verdict(tried, 1)).toBe('It would not have fired in the last day.');
  expect(verdict({ ...tried, fired: 2, complete: false }, 7)).toBe(
    'It would have fired 2 times in the last 7 days, as far back as there was time to look.',
  );
});
