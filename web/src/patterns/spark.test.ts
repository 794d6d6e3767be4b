import { expect, test } from 'vitest';
import { bars, spanFor } from './spark';

test('a bar stands where its span is, as high as it has part of the highest', () => {
  const counts = [
    [0, 2],
    [50, 8],
    [50, 2],
  ] as const;
  expect(bars(counts, 0, 100, 10)).toEqual([
    { x: 0, width: 0.1, height: 0.2 },
    { x: 0.5, width: 0.1, height: 1 },
  ]);
});

test('a span that begins before the strip lies within, and little is seen', () => {
  const counts = [
    [0, 1],
    [75, 1000],
  ] as const;
  expect(bars(counts, 10, 100, 25)).toEqual([
    { x: 0, width: 0.25, height: 0.08 },
    { x: 0.75, width: 0.25, height: 1 },
  ]);
  expect(bars([[1, 1]], 5, 5, 4)).toEqual([]);
  expect(bars([], 0, 5, 4)).toEqual([]);
});

test('some forty spans of whole seconds fill the strip', () => {
  expect(spanFor(0, 3_600_000)).toBe(90);
  expect(spanFor(0, 1000)).toBe(1);
});
