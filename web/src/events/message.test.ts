import { expect, test } from 'vitest';
import type { LogEvent } from '../api/shapes';
import { wordsOf } from '../text/marks';
import { messageOf } from '../text/line';
import { told } from './message';

const event = (data: LogEvent['data']): LogEvent => ({
  id: '1',
  timestamp: '2026-11-26T10:00:00Z',
  inserted_at: '2026-11-26T10:00:00Z',
  level: null,
  service: null,
  data,
});

test('the message is the first that says something', () => {
  expect(messageOf(event({ message: '', msg: 'b', text: 'c' }))).toBe('b');
  expect(messageOf(event({ message: { a: 1 }, body: 7 }))).toBe('7');
  expect(told(event({ a: 1 }), 'line', null).parts[0]?.text).toBe('{"a":1}');
});

test('a stack trace is one line, the first lines, or all of it', () => {
  const trace = event({ message: `top\n${'at x\n'.repeat(30)}` });
  expect(told(trace, 'line', null)).toMatchObject({ more: 30, isCut: false });
  expect(told(trace, 'some', null).more).toBe(19);
  expect(told(trace, 'all', null).more).toBe(0);
});

test('a line of a megabyte is cut before it is looked through', () => {
  const long = told(event({ message: 'x'.repeat(1_000_000) }), 'line', /x{5}/gi);
  expect(long.isCut).toBe(true);
  expect(long.parts.reduce((sum, part) => sum + part.text.length, 0)).toBe(1001);
});

test('words are marked within colours', () => {
  const parts = told(
    event({ message: '\u001b[31mcard\u001b[0m declined' }),
    'line',
    wordsOf('card declined'),
  ).parts;
  expect(parts.filter((part) => part.isMarked).map((part) => [part.text, part.classes])).toEqual([
    ['card', 'ansi-1'],
    ['declined', ''],
  ]);
});
