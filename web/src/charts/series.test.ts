import { expect, test } from 'vitest';
import { isAdditive, numeric, seriesOf, stacked } from './series';

const at = (minute: number): string => `2026-11-26T10:${String(minute).padStart(2, '0')}:00.000000Z`;
const counted = {
  time_column: 'timestamp',
  by: ['service'],
  values: ['n'],
  pipes: ['timechart span=1m count() as n by service'],
};

test('rows become one line a group, with 0 where nothing was counted', () => {
  const found = seriesOf(
    [
      { timestamp: at(0), service: 'web', n: 3 },
      { timestamp: at(2), service: 'web', n: 1 },
      { timestamp: at(2), service: null, n: 9 },
    ],
    counted,
  );
  expect(found?.times).toHaveLength(3);
  expect(found?.widthMs).toBe(60_000);
  expect(found?.lines.map((line) => [line.name, line.values])).toEqual([
    ['none', [0, 0, 9]],
    ['web', [3, 0, 1]],
  ]);
});

test('a mean of nothing is a gap, and each value has a line', () => {
  const check = {
    ...counted,
    by: [],
    values: ['a', 'b'],
    pipes: ['timechart span=1m avg(x) as a, count() as b'],
  };
  const found = seriesOf(
    [
      { timestamp: at(0), a: 1.5, b: 1 },
      { timestamp: at(2), a: 4, b: 2 },
    ],
    check,
  );
  expect(found?.isAdditive).toBe(false);
  expect(found?.lines.map((line) => [line.name, line.values])).toEqual([
    ['a', [1.5, null, 4]],
    ['b', [1, null, 2]],
  ]);
});

test('all of the range is shown, not only what lies between the first row and the last', () => {
  const bounds = { startMs: Date.parse(at(0)) - 30_000, endMs: Date.parse(at(5)) };
  const found = seriesOf([{ timestamp: at(2), service: 'web', n: 3 }], counted, bounds);
  expect(found?.times[0]).toBe(Date.parse(at(0)) - 60_000);
  expect(found?.times.at(-1)).toBe(Date.parse(at(4)));
});

test('beyond the most, groups are one line together', () => {
  const rows = Array.from({ length: 20 }, (_, each) => ({
    timestamp: at(0),
    service: `s${each}`,
    n: each + 1,
  }));
  const found = seriesOf(rows, counted, null, 4);
  expect(found?.lines.map((line) => line.name)).toEqual(['s19', 's18', 's17', '17 others']);
  expect(found?.lines[3]?.total).toBe(153);
});

test('layers lie upon those behind them, and hidden ones take no room', () => {
  const lines = [
    { name: 'a', groups: [], values: [1, 2], total: 3 },
    { name: 'b', groups: [], values: [10, null], total: 10 },
  ];
  expect(stacked(lines, new Set())).toEqual([
    [11, 2],
    [1, 2],
  ]);
  expect(stacked(lines, new Set(['a']))).toEqual([
    [10, 0],
    [null, null],
  ]);
});

test('what may be added up is told by its function, whatever it is called', () => {
  expect(isAdditive('count()', [])).toBe(true);
  expect(isAdditive('errors', ['timechart avg(x) as m, count() if level:error as errors'])).toBe(true);
  expect(isAdditive('m', ['timechart count() as n, avg(x) as m'])).toBe(false);
  expect(isAdditive('count', ['top 5 host'])).toBe(true);
  expect(isAdditive('p99(x)', [])).toBe(false);
});

test('a text that spells a number is one', () => {
  expect([numeric('1.5'), numeric('x'), numeric(null), numeric(true), numeric(-3)]).toEqual([
    1.5,
    null,
    null,
    null,
    -3,
  ]);
});
