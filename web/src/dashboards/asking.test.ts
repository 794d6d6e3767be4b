import { expect, test } from 'vitest';
import { drawn, joined, pipeFor, queryOf, searchLink, trendOf } from './asking';

const SAVED = [{ name: 'slow', saved: { query: 'took:>1s', start: null, end: null, about: '' } }];

test('a panel asks its query, or the saved one that it names', () => {
  expect(queryOf({ query: 'level:error', saved: null }, SAVED)).toBe('level:error');
  expect(queryOf({ query: '', saved: 'slow' }, SAVED)).toBe('took:>1s');
  expect(queryOf({ query: '', saved: 'gone' }, SAVED)).toBeNull();
});

test('events that are to be a chart get the pipe that makes one', () => {
  expect(pipeFor('lines', 'events')).toBe('| timechart count() as events by level');
  expect(pipeFor('number', 'events')).toBe('| stats count() as events');
  expect(pipeFor('top', 'events')).toBe('| top 10 service');
  expect(pipeFor('table', 'events')).toBe('| fields timestamp, level, service, message');
  for (const chart of ['auto', 'events'] as const) expect(pipeFor(chart, 'events')).toBe('');
  expect(pipeFor('lines', 'rows')).toBe('');
});

test('events are listed, and what is no list of events is not', () => {
  expect(drawn('auto', 'events')).toBe('events');
  expect(drawn('auto', 'series')).toBe('auto');
  expect(drawn('events', 'rows')).toBe('table');
  expect(drawn('bars', 'series')).toBe('bars');
});

test('the filter of all panels stands beside the search line, before the pipes', () => {
  const query = 'level:error OR level:warn | stats count()';
  expect(joined(query, 26, 'service:web')).toBe('(level:error OR level:warn) (service:web) | stats count()');
  expect(joined(query, 26, '  ')).toBe(query);
  expect(joined('| stats count()', 0, 'a OR b')).toBe('a OR b | stats count()');
  expect(joined('* | stats count()', 2, 'a')).toBe('a | stats count()');
  expect(joined('level:error', 11, 'a')).toBe('(level:error) (a)');
  expect(joined('', 0, 'a')).toBe('a');
});

test('places are counted in code points', () => {
  expect(joined('"🪵🪵" | limit 1', 5, 'a')).toBe('("🪵🪵") (a) | limit 1');
});

test('behind a number stands the same number over time', () => {
  const check = { kind: 'rows' as const, query_end: 0, by: [], pipes: ['stats count() as n'] };
  expect(trendOf('| stats count() as n', check, 60)).toBe('| timechart span=60s count() as n');
  expect(
    trendOf(
      'level:error | stats count() as n, sum(x) as s | eval p = n / s | fields p',
      {
        ...check,
        query_end: 12,
        pipes: ['stats count() as n, sum(x) as s', 'eval p = n / s', 'fields p'],
      },
      5,
    ),
  ).toBe('level:error | timechart span=5s count() as n, sum(x) as s | eval p = n / s | fields timestamp, p');
});

test('a number that is none over time has no trend', () => {
  const check = { kind: 'rows' as const, query_end: 0, by: [], pipes: ['stats count() as n', 'sort -n'] };
  expect(trendOf('', check, 60)).toBeNull();
  expect(trendOf('', { ...check, pipes: ['stats count() by a'], by: ['a'] }, 60)).toBeNull();
  expect(trendOf('', { ...check, pipes: ['top 10 service'] }, 60)).toBeNull();
  expect(trendOf('', { ...check, kind: 'series', pipes: ['timechart count()'] }, 60)).toBeNull();
  expect(trendOf('', { ...check, pipes: ['stats count() as n', 'fields - n'] }, 60)).toBeNull();
});

test('a panel opens in the search with its question and its span', () => {
  expect(searchLink('a | top b', '-1h', '')).toBe('/?query=a+%7C+top+b&start=-1h');
  expect(searchLink('', '', '')).toBe('/?query=&start=all');
  expect(searchLink('a', '', '-1d')).toBe('/?query=a&end=-1d');
});
