import { expect, test } from 'vitest';
import { marked, wordsOf } from './marks';

const hits = (line: string, text: string): string[] =>
  marked(text, wordsOf(line))
    .filter((each) => each.isMarked)
    .map((each) => each.text);

test('words and phrases that are looked for are found, in any case', () => {
  expect(hits('declined', 'Card Declined, undeclined')).toEqual(['Declined']);
  expect(hits('"card declined" level:error', 'the card declined error')).toEqual(['card declined']);
  expect(hits('declin*', 'declining')).toEqual(['declining']);
  expect(hits('a.b (x OR y)', 'aXb a.b y or x')).toEqual(['a.b', 'y', 'x']);
  expect(hits('*:lock message:dead', 'dead lock')).toEqual(['dead', 'lock']);
});

test('what must not be there, other fields and expressions are not marked', () => {
  expect(hits('-card !x NOT y service:web /re+/ n:>5', 'card x y web re+ 5')).toEqual([]);
  expect(wordsOf('')).toBeNull();
  expect(wordsOf('*')).toBeNull();
});
