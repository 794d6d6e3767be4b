import { expect, test } from 'vitest';
import { Problem } from '../api/http';
import { faultIn, isUnfinished, mended } from './faults';

function problem(position: number, length: number, suggestion: string | null = null): Problem {
  return new Problem(400, 'bad_query', 'unknown pipe', '', position, length, [], suggestion);
}

test('the place is counted in characters', () => {
  const fault = faultIn('🪵 | stat', problem(4, 4));
  expect([fault?.from, fault?.to]).toEqual([5, 9]);
});

test('an error at the end marks the last character', () => {
  const fault = faultIn('(a', problem(2, 0));
  expect([fault?.from, fault?.to]).toEqual([1, 2]);
});

test('a word that is being written is no error yet', () => {
  const text = 'level:error | stat';
  const fault = faultIn(text, problem(14, 4));
  if (fault === null) throw new Error('no place');
  expect(isUnfinished(text, fault, text.length)).toBe(true);
  expect(isUnfinished(text, fault, 3)).toBe(false);
});

test('a suggestion takes the place of what was wrong', () => {
  expect(mended('a | stat count()', problem(4, 4, 'stats'))).toBe('a | stats count()');
});
