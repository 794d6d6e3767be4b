import { expect, test } from 'vitest';
import { Exact, losesDigits, parseExactly } from './exact';

test('a number beyond doubles keeps its digits, and has them in JSON again', () => {
  const text = '{"id":12345678901234567890,"f":[0.12345678901234567891],"small":7}';
  const found = parseExactly(text) as { id: unknown; small: unknown };
  expect(found.id).toBeInstanceOf(Exact);
  expect(String(found.id)).toBe('12345678901234567890');
  expect(found.small).toBe(7);
  expect(JSON.stringify(found)).toBe(text);
});

test('a number that a double holds is a plain number', () => {
  expect(
    parseExactly('[9007199254740991,1e3,1.50,0.1,-0.30000000000000004,100000000000000000000000]'),
  ).toEqual([9007199254740991, 1000, 1.5, 0.1, -0.30000000000000004, 1e23]);
  expect(losesDigits('9007199254740993', 9007199254740992)).toBe(true);
  expect(losesDigits('1e400', Infinity)).toBe(true);
  expect(losesDigits('1e-400', 0)).toBe(true);
});

test('digits in texts are not touched', () => {
  expect(parseExactly('{"t":"12345678901234567890"}')).toEqual({ t: '12345678901234567890' });
});
