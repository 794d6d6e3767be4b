import { expect, test } from 'vitest';
import { clipped, visible } from './visible';

test('what cannot be seen is shown, and nothing turns the text around', () => {
  expect(visible('a\u0000b\u001b[31m\u007f')).toBe('a␀b␛[31m␡');
  expect(visible('user\u202egnp.exe')).toBe('user‹U+202E›gnp.exe');
  expect(visible('zero\u200bwidth')).toBe('zero‹U+200B›width');
  expect(visible('שלום عالم\tok\nline')).toBe('שלום عالم\tok\nline');
});

test('a long text is cut, between characters', () => {
  expect(visible('abcdef', 3)).toBe('abc…');
  expect(clipped('ab😀', 3)).toBe('ab');
});
