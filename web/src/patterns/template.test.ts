import { expect, test } from 'vitest';
import { clauseOf, isNew, ordered, parts } from './template';

const pattern = (id: string, count: number, firstMs: number) => ({
  id,
  template: id,
  count,
  firstMs,
  lastMs: 100,
});

test('what varies is told from what does not', () => {
  expect(parts('order <num> of user=<*>')).toEqual([
    { text: 'order ', isMask: false },
    { text: '<num>', isMask: true },
    { text: ' of user=', isMask: false },
    { text: '<*>', isMask: true },
  ]);
  expect(parts('a <b> c')).toEqual([{ text: 'a <b> c', isMask: false }]);
});

test('a template becomes a filter of its messages', () => {
  expect(clauseOf('card declined after <duration>: order <num>')).toBe(
    'message:/^card declined after .+: order .+/',
  );
  expect(clauseOf('GET /cart (slow)')).toBe(String.raw`message:/^GET \/cart \(slow\)(\n|$)/`);
});

test('the loose filter sees through blanks and colours', () => {
  const clause = clauseOf('stock synced <num>', true) ?? '';
  const found = new RegExp(clause.slice('message:/'.length, -1));
  expect(found.test('\u001b[32mstock\u001b[0m synced  \u001b[1m17\u001b[0m')).toBe(true);
  expect(found.test('stocks synced 17')).toBe(false);
});

test('there is no filter of what has no template, and a long one is cut', () => {
  expect(clauseOf('<other>')).toBeNull();
  expect(clauseOf('')).toBeNull();
  expect((clauseOf('word <num> '.repeat(400)) ?? '').length).toBeLessThan(1000);
});

test('the rare and the new come first when they are asked for', () => {
  const some = [pattern('a', 5, 10), pattern('b', 1, 20), pattern('c', 9, 90)];
  expect(ordered(some, 'count').map((each) => each.id)).toEqual(['c', 'a', 'b']);
  expect(ordered(some, 'rare').map((each) => each.id)).toEqual(['b', 'a', 'c']);
  expect(ordered(some, 'new').map((each) => each.id)).toEqual(['c', 'b', 'a']);
  expect(some.filter((each) => isNew(each, 0, 100)).map((each) => each.id)).toEqual(['c']);
});
