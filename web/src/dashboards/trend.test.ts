import { expect, test } from 'vitest';
import type { Answer, Checked, Row } from '../api/shapes';
import { boundsOf, figureOf, isCounted, pathOf, pointsOf, spanFor } from './trend';

const answer = (rows: Row[], columns?: string[]): Answer => ({
  rows,
  ...(columns && { columns }),
  cached: false,
  took_ms: 1,
  exact: true,
  complete: true,
  watermark: null,
  in_flight: null,
});
const check = (parts: Partial<Checked> = {}): Checked => ({
  kind: 'rows',
  query_end: 0,
  filter: '',
  pipes: [],
  fields: [],
  columns: null,
  by: [],
  time_column: null,
  values: [],
  ...parts,
});
const minute = (at: number): string => new Date(at * 60_000).toISOString();

test('the figure is the first number of a row', () => {
  expect(figureOf(answer([{ service: 'web', n: 17 }], ['service', 'n']), check())).toEqual({
    value: 17,
    column: 'n',
  });
  expect(figureOf(answer([{ a: 1, b: 2 }], ['a', 'b']), check({ values: ['b'] }))?.column).toBe('b');
});

test('of a series it is the latest', () => {
  const rows = [
    { timestamp: minute(0), n: 1 },
    { timestamp: minute(1), n: 5 },
  ];
  const series = check({ kind: 'series', time_column: 'timestamp', values: ['n'] });
  expect(figureOf(answer(rows), series)).toEqual({ value: 5, column: 'n' });
});

test('where there is no number, what is there', () => {
  expect(figureOf(answer([{ p99: null }]), check({ values: ['p99'] }))).toEqual({
    value: null,
    column: 'p99',
  });
  expect(figureOf(answer([]), check())).toBeNull();
});

test('spans that the range cuts are left out, empty ones are what they mean', () => {
  const rows = [0, 1, 3, 4].map((at) => ({ timestamp: minute(at), n: at + 1 }));
  const spans = { startMs: 30_000, endMs: 4.5 * 60_000, spanMs: 60_000, otherwise: 0 };
  expect(pointsOf(answer(rows), 'n', spans).map((each) => each.value)).toEqual([2, 0, 4]);
  expect(pointsOf(answer(rows), 'n', { ...spans, otherwise: null }).map((each) => each.at / 60_000)).toEqual([
    1, 3,
  ]);
  expect(
    pointsOf(answer([{ timestamp: minute(1), n: null }, { n: 3 }]), 'n', { ...spans, otherwise: null }),
  ).toEqual([]);
});

test('a trend has at most sixty round spans', () => {
  expect(spanFor(60_000)).toBe(1);
  expect(spanFor(3_600_000)).toBe(60);
  expect(spanFor(7 * 86_400_000)).toBe(10_800);
  expect(spanFor(365 * 86_400_000)).toBe(7 * 86_400);
});

test('counts and sums of nothing are 0, other aggregates are not there', () => {
  const pipe = 'stats count() as n, p99(took) as slow, sum(a, 2) as s, count() if level:error as bad';
  expect(['n', 's', 'bad'].every((each) => isCounted(pipe, each))).toBe(true);
  expect(isCounted(pipe, 'slow')).toBe(false);
  expect(isCounted(pipe, 'percent')).toBe(false);
  expect(isCounted('stats count()', 'count()')).toBe(true);
});

test('the line goes from edge to edge, from zero', () => {
  const points = [
    { at: 0, value: 0 },
    { at: 10, value: 5 },
    { at: 40, value: 10 },
  ];
  expect(pathOf(points, 100, 22)).toBe('M0 21L25 11L100 1');
  expect(pathOf(points.slice(1), 100, 22)).toBe('M0 11L100 1');
  expect(pathOf([{ at: 0, value: 3 }], 100, 22)).toBe('');
  expect(boundsOf([{ at: 0, value: -4 }])).toEqual([-4, -4]);
});
