import { expect, test } from 'vitest';
import { fixed, isMoving, moved, typedText, typedTime, widened, withRange } from './spans';

const NOW = Date.parse('2026-11-26T10:00:00Z');

test('typed times are read in the zone that is shown', () => {
  expect(typedTime('2026-11-26 08:15', NOW, 'utc')).toBe('2026-11-26T08:15:00.000Z');
  expect(typedTime('2026-11-26T08:15:03.5', NOW, 'utc')).toBe('2026-11-26T08:15:03.500Z');
  expect(typedTime('2026-11-26', NOW, 'utc')).toBe('2026-11-26T00:00:00.000Z');
  expect(typedTime('8:15', NOW, 'utc')).toBe('2026-11-26T08:15:00.000Z');
  expect(typedTime('2026-11-26 08:15', NOW, 'local')).toBe(new Date(2026, 10, 26, 8, 15).toISOString());
});

test('a time with a zone of its own keeps it', () => {
  expect(typedTime('2026-11-26T10:15:00+02:00', NOW, 'utc')).toBe('2026-11-26T08:15:00.000Z');
  expect(typedTime('1795435200', NOW, 'local')).toBe('2026-11-23T12:00:00.000Z');
});

test('spans back from now are taken with and without the sign', () => {
  expect(typedTime('-15m', NOW, 'local')).toBe('-15m');
  expect(typedTime('90 min', NOW, 'local')).toBe('-90m');
  expect(typedTime('now', NOW, 'local')).toBe('now');
});

test('what is no time is none', () => {
  for (const text of ['yesterday', '25:00', '2026-13-01', '2026-11-26 8 o’clock']) {
    expect(typedTime(text, NOW, 'utc')).toBeNull();
  }
});

test('what is shown to be edited reads back as itself', () => {
  const at = '2026-11-26T08:15:03.500Z';
  for (const zone of ['utc', 'local'] as const) expect(typedTime(typedText(at, zone), NOW, zone)).toBe(at);
  expect(typedText('-1h', 'utc')).toBe('-1h');
});

test('a span moves by its own length, and not beyond now', () => {
  const before = moved({ start: '-1h', end: '' }, -1, NOW);
  expect(before).toEqual({ start: '2026-11-26T08:00:00.000Z', end: '2026-11-26T09:00:00.000Z' });
  expect(moved(before ?? { start: '', end: '' }, 1, NOW)).toEqual({ start: '-1h', end: '' });
  expect(moved({ start: '-1h', end: '' }, 1, NOW)).toBeNull();
  expect(moved({ start: '', end: '' }, -1, NOW)).toBeNull();
});

test('a span widens around its middle, one that ends now into the past', () => {
  expect(widened({ start: '-1h', end: '' }, NOW)).toEqual({ start: '-2h', end: '' });
  expect(widened({ start: '2026-11-26T08:00:00Z', end: '2026-11-26T08:30:00Z' }, NOW)).toEqual({
    start: '2026-11-26T07:45:00.000Z',
    end: '2026-11-26T08:45:00.000Z',
  });
  expect(widened({ start: '2026-11-26T09:00:00Z', end: '2026-11-26T10:00:00Z' }, NOW)).toEqual({
    start: '2026-11-26T08:00:00.000Z',
    end: '2026-11-26T10:00:00.000Z',
  });
});

test('a fixed span stays what it is', () => {
  expect(fixed({ start: '-1h', end: '' }, NOW)).toEqual({
    start: '2026-11-26T09:00:00.000Z',
    end: '2026-11-26T10:00:00.000Z',
  });
  expect(isMoving({ start: '-1h', end: '' })).toBe(true);
  expect(isMoving({ start: '-1h', end: '2026-11-26T10:00:00Z' })).toBe(false);
});

test('recent spans are few, and each is there once', () => {
  const one = { start: '-2h', end: '' };
  expect(withRange([{ start: '-9h', end: '' }, one], one)).toEqual([one, { start: '-9h', end: '' }]);
});
