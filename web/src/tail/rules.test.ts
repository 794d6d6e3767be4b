import { expect, test } from 'vitest';
import { marked } from './rules';

test('what a rule names is marked, in any case', () => {
  expect(marked('Card declined, card again', [{ text: 'card', colour: 'red' }])).toEqual([
    { text: 'Card', colour: 'red' },
    { text: ' declined, ', colour: null },
    { text: 'card', colour: 'red' },
    { text: ' again', colour: null },
  ]);
});

test('without rules a text is one piece, and an empty rule marks nothing', () => {
  expect(marked('abc', [{ text: '', colour: 'red' }])).toEqual([{ text: 'abc', colour: null }]);
  expect(marked('', [])).toEqual([]);
});

test('of rules at one place the first is the one', () => {
  const rules = [
    { text: 'order', colour: 'blue' as const },
    { text: 'order 7', colour: 'red' as const },
  ];
  expect(marked('order 7', rules)[0]).toEqual({ text: 'order', colour: 'blue' });
});
