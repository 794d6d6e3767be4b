import { expect, test } from 'vitest';
import { afterKey, binAt, high, low } from './selection';

test('the first arrow takes the nearest end', () => {
  expect(afterKey('ArrowLeft', false, null, 10)).toEqual({ anchor: 9, head: 9 });
  expect(afterKey('ArrowRight', false, null, 10)).toEqual({ anchor: 0, head: 0 });
});

test('arrows move one bin, with shift they take more', () => {
  const two = afterKey('ArrowRight', false, { anchor: 1, head: 1 }, 10);
  expect(two).toEqual({ anchor: 2, head: 2 });
  const back = afterKey('ArrowLeft', true, { anchor: 2, head: 2 }, 10);
  expect(back && [low(back), high(back)]).toEqual([1, 2]);
});

test('nothing leads out of the chart', () => {
  expect(afterKey('ArrowRight', false, { anchor: 9, head: 9 }, 10)).toEqual({ anchor: 9, head: 9 });
  expect(afterKey('PageUp', false, { anchor: 3, head: 3 }, 10)).toEqual({ anchor: 0, head: 0 });
  expect([binAt(-0.2, 10), binAt(0.55, 10), binAt(1, 10)]).toEqual([0, 5, 9]);
});

test('other keys choose nothing', () => {
  expect(afterKey('x', false, null, 10)).toBeUndefined();
  expect(afterKey('ArrowLeft', false, null, 0)).toBeUndefined();
});
