import { expect, test } from 'vitest';
import { drawnAs, waysOf } from './kinds';

const check = {
  kind: 'rows' as const,
  time_column: null,
  by: ['service'],
  values: ['n'],
  pipes: ['stats count() as n by service'],
};

test('counts over time are bars, other numbers over time lines', () => {
  const counts = { ...check, time_column: 'timestamp', pipes: ['timechart count() as n by service'] };
  expect(waysOf(counts, { rows: [] })[0]).toBe('bars');
  expect(waysOf({ ...counts, pipes: ['timechart avg(x) as n'] }, { rows: [] })[0]).toBe('lines');
});

test('groups are a table or a ranking, one row of numbers is numbers, events are events', () => {
  expect(waysOf(check, { rows: [{ service: 'web', n: 1 }] })).toEqual(['table', 'top']);
  expect(waysOf({ ...check, by: [] }, { rows: [{ n: 1 }] })[0]).toBe('number');
  expect(waysOf(check, { events: [] })).toEqual(['events']);
});

test('what cannot be drawn is a table', () => {
  expect(drawnAs('lines', check, { rows: [{ service: 'web', n: 1 }] })).toBe('table');
  expect(drawnAs('top', check, { rows: [{ service: 'web', n: 1 }] })).toBe('top');
});
