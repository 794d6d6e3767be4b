import { expect, test } from 'vitest';
import { pointsBefore, unitAt } from './points';

test('a character beyond 16 bits is one point and two units', () => {
  const text = 'a🪵b';
  expect(pointsBefore(text, 3)).toBe(2);
  expect(unitAt(text, 2)).toBe(3);
  expect(unitAt(text, 99)).toBe(4);
});
