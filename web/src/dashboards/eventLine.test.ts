import { expect, test } from 'vitest';
import type { Json, LogEvent } from '../api/shapes';
import { lineOf, oneLine } from './eventLine';

const event = (data: { [name: string]: Json }): LogEvent => ({
  id: '1',
  timestamp: '',
  inserted_at: '',
  level: null,
  service: null,
  data,
});

test('the message is the first of its names that says something', () => {
  expect(lineOf(event({ message: '', msg: 'hello' }))).toBe('hello');
  expect(lineOf(event({ message: { a: 1 }, body: 0 }))).toBe('0');
  expect(lineOf(event({ status: 5 }))).toBe('{"status":5}');
});

test('colours go, breaks and what cannot be seen are shown', () => {
  expect(oneLine('\u001b[32mgood\u001b[0m')).toBe('good');
  expect(oneLine('a\n  b\r\nc')).toBe('a ⏎ b ⏎ c');
  expect(oneLine('x\u0007y\u202ez\u007f')).toBe('x␇y‹U+202E›z␡');
});

test('a line of a megabyte is cut', () => {
  expect([...oneLine('x'.repeat(1_000_000))].length).toBe(401);
  expect(oneLine('🪵'.repeat(401)).endsWith('🪵…')).toBe(true);
});
