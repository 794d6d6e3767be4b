import { expect, test } from 'vitest';
import { Ring } from './ring';

test('the newest are kept, in their order', () => {
  const ring = new Ring<number>(3);
  expect(ring.toArray()).toEqual([]);
  expect([1, 2, 3].map((n) => ring.push(n))).toEqual([undefined, undefined, undefined]);
  expect(ring.push(4)).toBe(1);
  expect(ring.push(5)).toBe(2);
  expect(ring.toArray()).toEqual([3, 4, 5]);
  expect(ring.length).toBe(3);
});

test('an emptied ring begins anew', () => {
  const ring = new Ring<number>(2);
  [1, 2, 3].forEach((n) => ring.push(n));
  ring.clear();
  ring.push(9);
  expect(ring.toArray()).toEqual([9]);
});
