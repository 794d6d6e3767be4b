import { expect, test } from 'vitest';
import type { Json, LogEvent } from '../api/shapes';
import { lineOf, messageOf, oneLine, said, valueText } from './line';

const event = (data: { [name: string]: Json }): LogEvent => ({
  id: '1',
  timestamp: '',
  inserted_at: '',
  level: null,
  service: null,
  data,
});

test('the message is the first of its names that says something', () => {
  expect(messageOf(event({ message: '', msg: 'hello' }))).toBe('hello');
  expect(lineOf(event({ message: { a: 1 }, body: 0 }))).toBe('0');
  expect(lineOf(event({ status: 5 }))).toBe('{"status":5}');
});

test('colours go, breaks and what cannot be seen are shown', () => {
  expect(said('\u001b[32mstock\u001b[0m synced\n  now')).toBe('stock synced ⏎ now');
  expect(said('\u001b]8;;http://x\u0007link')).toBe('link');
  expect(said('x\u0007y\u202ez\u007f')).toBe('x␇y‹U+202E›z␡');
  expect(said('soft\u00adhyphen word\u2060joiner')).toBe('soft‹U+00AD›hyphen word‹U+2060›joiner');
});

test('in what people have written, nothing is left out', () => {
  expect(oneLine('a\nb\tc\u001b[1m')).toBe('a ⏎ b c␛[1m');
  expect(oneLine('user\u202egnp.exe')).toBe('user‹U+202E›gnp.exe');
});

test('what is long is cut, and says so', () => {
  expect(said('x'.repeat(1_000_000), 10)).toBe(`${'x'.repeat(10)}…`);
  expect(oneLine('🪵'.repeat(401), 400).endsWith('🪵…')).toBe(true);
  expect(said(`\u001b[${'1;'.repeat(20)}1m`.repeat(400) + 'x', 100).endsWith('…')).toBe(true);
});

test('a value of nothing is seen', () => {
  expect(valueText('')).toBe('""');
  expect(valueText(null)).toBe('null');
});
