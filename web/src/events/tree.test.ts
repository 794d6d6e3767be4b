import { expect, test } from 'vitest';
import { parseExactly } from '../text/exact';
import type { Json } from '../api/shapes';
import { treeLines } from './tree';

const closed = { turned: new Set<string>(), listed: new Map<string, number>() };
const brief = (data: { [name: string]: Json }, unfolded = closed): string[] =>
  treeLines(data, unfolded).map((line) => `${line.depth} ${line.field} ${line.kind}`);

test('members have the names of the query language, elements that of their array', () => {
  expect(brief({ level: 'x', http: { status: 1 }, tags: ['a', { n: null }] })).toEqual([
    '0 .level text',
    '0 http object',
    '1 http.status number',
    '0 tags array',
    '1 tags text',
    '1 tags.1 object',
  ]);
});

test('what is deep is closed until it is opened', () => {
  const data = { a: { b: { c: { d: 1 } } } };
  expect(brief(data)).toEqual(['0 a object', '1 a.b object']);
  expect(brief(data, { ...closed, turned: new Set(['/a/b']) })).toHaveLength(3);
  expect(brief(data, { ...closed, turned: new Set(['/a']) })).toHaveLength(1);
});

test('of many members the first are listed', () => {
  const data = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`c${at}`, at]));
  const lines = treeLines(data, closed);
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toMatchObject({ rest: 400, id: '' });
  expect(treeLines(data, { ...closed, listed: new Map([['', 500]]) })).toHaveLength(500);
});

test('a number beyond doubles is a number', () => {
  expect(brief(parseExactly('{"n":12345678901234567890}') as { n: Json })).toEqual(['0 n number']);
});
