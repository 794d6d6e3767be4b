import { expect, test } from 'vitest';
import { ansiPieces, plainText } from './ansi';

const brief = (text: string): string[] =>
  ansiPieces(text).map((piece) => [piece.text, piece.classes, piece.colour, piece.ground].join('|'));

test('sixteen colours and styles are classes', () => {
  expect(brief('a\u001b[1;31mb\u001b[0mc')).toEqual(['a|||', 'b|bold ansi-1||', 'c|||']);
  expect(brief('\u001b[92;44mx\u001b[39my\u001b[m')).toEqual(['x|ansi-2 ansi-on-4||', 'y|ansi-on-4||']);
});

test('other colours are values', () => {
  expect(brief('\u001b[38;5;196mx')).toEqual(['x|ansi-any|rgb(255 0 0)|']);
  expect(brief('\u001b[38;2;1;2;999;1mx')).toEqual(['x|bold ansi-any|rgb(1 2 255)|']);
  expect(brief('\u001b[48;5;232mx')).toEqual(['x|ansi-on-any||rgb(8 8 8)']);
  expect(brief('\u001b[38;5;9mx')).toEqual(['x|ansi-1||']);
});

test('what is no colour is left out, and what is no sequence stays', () => {
  expect(brief('a\u001b[2Kb\u001b[10;1Hc')).toEqual(['a|||', 'b|||', 'c|||']);
  expect(plainText('\u001b]8;;https://x.test\u0007link\u001b]8;;\u0007')).toBe('link');
  expect(plainText('\u001b[')).toBe('\u001b[');
});

test('turned around, the colour is behind the text', () => {
  expect(brief('\u001b[7;31mx')).toEqual(['x|ansi-on-1||']);
});
