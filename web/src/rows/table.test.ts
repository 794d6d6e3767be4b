import { expect, test } from 'vitest';
import { asText, greatest, ordered, shown } from './table';

const rows = [
  { s: 'web', n: 10 },
  { s: null, n: 9 },
  { s: 'db', n: null },
  { s: '2', n: '100' },
];

test('rows are ordered by value, numbers before texts, null last either way', () => {
  expect(ordered(rows, { column: 'n', isDown: true }).map((row) => row.n)).toEqual(['100', 10, 9, null]);
  expect(ordered(rows, { column: 's', isDown: false }).map((row) => row.s)).toEqual(['2', 'db', 'web', null]);
  expect(ordered(rows, null)).toBe(rows);
});

test('bars are for columns of numbers from 0 up', () => {
  expect(greatest('n', rows.slice(0, 3))).toBe(10);
  expect(greatest('n', rows)).toBe(0);
  expect(greatest('s', rows)).toBe(0);
});

test('copied text has a cell for each tab, and no formulas', () => {
  expect(asText(['s', 'n'], [{ s: '=1+1\tx', n: -5 }])).toBe("s\tn\n'=1+1 x\t-5");
});

test('a cell shows what cannot be seen', () => {
  expect(shown('a\u202eb')).toBe('a‹U+202E›b');
  expect(shown({ a: [1] })).toBe('{"a":[1]}');
});
