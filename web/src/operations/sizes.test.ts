import { expect, test } from 'vitest';
import { ratio, sorted } from './sizes';

const field = (name: string, bytes: number, uncompressed_bytes: number) => ({
  field: name,
  types: ['str'],
  bytes,
  uncompressed_bytes,
  segments: 1,
});
const fields = [field('b', 10, 100), field('a', 10, 20), field('c', 50, 50)];
const names = (by: 'field' | 'bytes' | 'ratio') => sorted(fields, by).map((each) => each.field);

test('the largest is first, equal ones by name', () => {
  expect(names('bytes')).toEqual(['c', 'a', 'b']);
  expect(names('field')).toEqual(['a', 'b', 'c']);
  expect(names('ratio')).toEqual(['b', 'a', 'c']);
});

test('a field without bytes has no ratio', () => {
  expect(ratio(field('d', 0, 0))).toBe(0);
});
