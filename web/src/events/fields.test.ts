import { expect, test } from 'vitest';
import type { LogEvent } from '../api/shapes';
import { memberName, moved, traceOf, valueOf } from './fields';

const event: LogEvent = {
  id: 'id-1',
  timestamp: '2026-11-26T10:00:00Z',
  inserted_at: '2026-11-26T10:00:01Z',
  level: 'warn',
  service: 'web',
  data: {
    level: 'WARN',
    http: { status: 500, 'route.name': 'x' },
    'a.b': { c: 1 },
    tags: ['x', { n: 2 }],
    trace_id: '0000',
  },
};

test('a field is called as the query language calls it', () => {
  expect(memberName('', 'level')).toBe('.level');
  expect(memberName('', 'host')).toBe('host');
  expect(memberName('http', 'level')).toBe('http.level');
});

test('a dotted path is a key, nested objects, or both', () => {
  expect(valueOf(event, 'level')).toBe('warn');
  expect(valueOf(event, '.level')).toBe('WARN');
  expect(valueOf(event, 'http.status')).toBe(500);
  expect(valueOf(event, 'http.route.name')).toBe('x');
  expect(valueOf(event, 'a.b.c')).toBe(1);
  expect(valueOf(event, 'tags.1.n')).toBe(2);
  expect(valueOf(event, 'http.status.x')).toBeUndefined();
  expect(valueOf(event, 'constructor')).toBeUndefined();
});

test('a trace of zeros is none', () => {
  expect(traceOf(event)).toBeNull();
  expect(traceOf({ ...event, data: { trace_id: 'ab', request_id: 'r' } })).toEqual({
    field: 'trace_id',
    value: 'ab',
  });
});

test('a column is moved', () => {
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
  expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['c', 'a', 'b']);
});
