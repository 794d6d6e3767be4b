import { expect, test } from 'vitest';
import { Walk, withQuery } from './past';

test('a query is remembered once, in front, and not without bound', () => {
  expect(withQuery(['b', 'a'], ' a ')).toEqual(['a', 'b']);
  expect(withQuery(['a'], '  ')).toEqual(['a']);
  const many = Array.from({ length: 50 }, (_, at) => `q${at}`);
  expect(withQuery(many, 'new')).toHaveLength(50);
  expect(withQuery([], 'x'.repeat(2001))).toEqual([]);
});

test('a walk leads back in time and returns to what was written', () => {
  const walk = new Walk(['b', 'a'], '');
  expect(walk.step(1)).toBe('b');
  expect(walk.step(1)).toBe('a');
  expect(walk.step(1)).toBeNull();
  expect(walk.step(-1)).toBe('b');
  expect(walk.step(-1)).toBe('');
  expect(walk.step(-1)).toBeNull();
});

test('what is in the line already is passed over', () => {
  expect(new Walk(['b', 'a'], 'b').step(1)).toBe('a');
});
