import { expect, test } from 'vitest';
import type { Histogram } from '../api/shapes';
import { binned, binSpan, layers } from './bins';

const TEN = Date.parse('2026-11-26T10:00:00Z');

function answer(by: string, counts: [minute: number, value: string | null, count: number][]): Histogram {
  const sums = new Map<string | null, number>();
  for (const [, value, count] of counts) sums.set(value, (sums.get(value) ?? 0) + count);
  const totals = [...sums].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
  return {
    span_s: 60,
    by,
    total: 0,
    totals,
    counts: counts.map(([minute, value, count]) => ({
      start: new Date(TEN + minute * 60_000).toISOString(),
      value,
      count,
    })),
    cached: false,
    took_ms: 1,
    exact: true,
    complete: true,
    watermark: null,
    in_flight: null,
  };
}

test('spans without events are bins of nothing', () => {
  const bins = binned(
    answer('level', [
      [1, 'info', 5],
      [3, 'info', 2],
    ]),
    TEN,
    TEN + 5 * 60_000,
  );
  expect(bins?.totals).toEqual([0, 5, 0, 2, 0]);
});

test('a span that the start cuts is a whole bin', () => {
  const bins = binned(answer('level', [[0, 'info', 5]]), TEN + 30_000, TEN + 90_000);
  expect([bins?.startMs, bins?.count]).toEqual([TEN, 2]);
});

test('for all time the first count is the beginning', () => {
  const bins = binned(answer('level', [[4, 'info', 5]]), null, TEN + 6 * 60_000);
  expect([bins?.startMs, bins?.totals]).toEqual([TEN + 4 * 60_000, [5, 0]]);
  expect(binned(answer('level', []), null, TEN)).toBeNull();
});

test('the gravest level lies at the bottom, and none at the top', () => {
  const bins = binned(
    answer('level', [
      [0, 'info', 9],
      [0, 'error', 1],
      [0, null, 3],
    ]),
    TEN,
    TEN + 60_000,
  );
  expect(bins?.rows.map((row) => row.key)).toEqual(['error', 'info', null]);
});

test('many services are the greatest, and the rest', () => {
  const counts = Array.from({ length: 12 }, (_, at): [number, string, number] => [0, `s${at}`, 100 - at]);
  const bins = binned(answer('service', counts), TEN, TEN + 60_000);
  expect(bins?.rows).toHaveLength(8);
  expect(bins?.rows[7]).toMatchObject({ isRest: true, total: 93 + 92 + 91 + 90 + 89 });
  expect(bins?.totals).toEqual([counts.reduce((sum, each) => sum + each[2], 0)]);
});

test('an event without a service is not taken for the rest', () => {
  const bins = binned(
    answer('service', [
      [0, 'web', 2],
      [0, null, 1],
    ]),
    TEN,
    TEN + 60_000,
  );
  expect(bins?.rows.map((row) => [row.key, row.isRest, row.total])).toEqual([
    ['web', false, 2],
    [null, false, 1],
  ]);
});

test('layers are painted from the whole stack to its lowest row', () => {
  const rows = [
    { key: 'error', isRest: false, counts: [1, 0], total: 1 },
    { key: 'info', isRest: false, counts: [2, 3], total: 5 },
  ];
  expect(layers(rows, 2)).toEqual([
    [3, 3],
    [1, 0],
  ]);
});

test('chosen bins are a span of time', () => {
  const bins = binned(answer('level', [[0, 'info', 1]]), TEN, TEN + 3 * 60_000);
  expect(bins && binSpan(bins, 1, 2)).toEqual({ fromMs: TEN + 60_000, toMs: TEN + 180_000 });
});

test('a range of nonsense does not fill the memory', () => {
  expect(binned(answer('level', []), 0, TEN)?.count).toBe(4000);
});
