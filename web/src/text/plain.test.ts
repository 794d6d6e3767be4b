import { expect, test } from 'vitest';
import { messageOf, plain, valueText } from './plain';

const event = (data: Record<string, string | number>) =>
  ({ id: '1', timestamp: '', inserted_at: '', level: null, service: null, data }) as const;

test('control codes of terminals are left out, and hidden characters seen', () => {
  expect(plain('\u001b[32mstock\u001b[0m synced\n  now')).toBe('stock synced   now');
  expect(plain('a\u0000b\u202ec')).toBe('a␀b⟨U+202E⟩c');
  expect(plain('\u001b]8;;http://x\u0007link')).toBe('link');
});

test('long lines are cut', () => {
  expect(plain('x'.repeat(1_000_000), 10)).toBe(`${'x'.repeat(10)}…`);
});

test('an event says its message, or else all it has', () => {
  expect(messageOf(event({ msg: 'hello', message: '' }))).toBe('hello');
  expect(messageOf(event({ a: 1 }))).toBe('{"a":1}');
  expect(valueText('')).toBe('""');
});
