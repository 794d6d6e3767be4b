import { expect, test } from 'vitest';
import { SseParser } from './sse';

const STREAM =
  'event: event\ndata: {"n":1}\n\nid: 7\nevent: live\ndata: {}\n\n: alive\n\nid: 9\nevent: missed\ndata: {"events":12}\n\n';

test('messages come whole, however the text is cut', () => {
  for (let size = 1; size < STREAM.length; size += 1) {
    const parser = new SseParser();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) found.push(...parser.push(STREAM.slice(at, at + size)));
    expect(found).toEqual([
      { event: 'event', data: '{"n":1}' },
      { event: 'live', data: '{}' },
      { event: 'missed', data: '{"events":12}' },
    ]);
    expect(parser.lastId).toBe('9');
  }
});

test('a message that is not ended is not told', () => {
  const parser = new SseParser();
  expect(parser.push('event: event\ndata: {"n":1}\n')).toEqual([]);
  expect(parser.push('\n')).toHaveLength(1);
});

test('a position may come alone, beside a comment', () => {
  const parser = new SseParser();
  expect(parser.push('id: 12\n: alive\n\n')).toEqual([]);
  expect(parser.lastId).toBe('12');
});

test('data of several lines is one text, and lines end as they like', () => {
  const parser = new SseParser();
  expect(parser.push('data: a\r\ndata:b\r\r')).toEqual([{ event: 'message', data: 'a\nb' }]);
  const cut = new SseParser();
  expect([...cut.push('data: a\r'), ...cut.push('\ndata: b\r\n'), ...cut.push('\r\n')]).toEqual([
    { event: 'message', data: 'a\nb' },
  ]);
});
