import { expect, test } from 'vitest';
import { bytes, counted, number, percent, shortNumber } from './numbers';

test('numbers are grouped, and rounded to four digits', () => {
  expect(number(1234567)).toBe('1,234,567');
  expect(number(0.123456)).toBe('0.1235');
  expect(shortNumber(12_345)).toBe('12.3K');
  expect(shortNumber(999)).toBe('999');
});

test('bytes go up in thousands, and never show a thousand of one unit', () => {
  expect(bytes(0)).toBe('0 B');
  expect(bytes(999)).toBe('999 B');
  expect(bytes(999_999)).toBe('1 MB');
  expect(bytes(12_340_000)).toBe('12.3 MB');
});

test('a share that is there is never shown as none', () => {
  expect(percent(0)).toBe('0 %');
  expect(percent(0.0001)).toBe('< 0.1 %');
  expect(percent(0.055)).toBe('5.5 %');
  expect(percent(1)).toBe('100 %');
});

test('one event is no events', () => {
  expect(counted(1, 'event')).toBe('1 event');
  expect(counted(2000, 'event')).toBe('2,000 events');
  expect(counted(2, 'query', 'queries')).toBe('2 queries');
});
