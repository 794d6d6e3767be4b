import { expect, test } from 'vitest';
import { pieces } from './highlight';

function read(text: string): string[] {
  return pieces(text).map(({ from, to, kind }) => `${text.slice(from, to)} ${kind}`);
}

test('fields, values and operators of a search line are told apart', () => {
  expect(read('level:error -http.status:>=500')).toEqual([
    'level field',
    ': operator',
    'error value',
    '- operator',
    'http.status field',
    ': operator',
    '>= operator',
    '500 value',
  ]);
});

test('phrases, regular expressions and words', () => {
  expect(read('"card declined" OR /code=\\d+/ "odd key":x')).toEqual([
    '"card declined" text',
    'OR operator',
    '/code=\\d+/ regex',
    '"odd key" field',
    ': operator',
    'x value',
  ]);
});

test('pipes have names, functions and columns', () => {
  expect(read('x | stats count() as n by service, time(5m)')).toEqual([
    'x text',
    '| operator',
    'stats pipe',
    'count function',
    '( operator',
    ') operator',
    'as operator',
    'n field',
    'by operator',
    'service field',
    ', operator',
    'time function',
    '( operator',
    '5m number',
    ') operator',
  ]);
});

test('whatever is typed is read to its end', () => {
  for (const text of ['a:"unfinished', '/x', ':::', '|', 'a:[1 TO', '\\', "'", '🪵:🪵', 'a:(b OR', '`']) {
    expect(pieces(text).every((each) => each.to > each.from)).toBe(true);
  }
});
