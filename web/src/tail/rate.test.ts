import { expect, test } from 'vitest';
import { Rate } from './rate';

test('the rate is that of the last five whole seconds', () => {
  const rate = new Rate();
  for (let second = 0; second < 20; second += 1) rate.add(100, second * 1000 + 10);
  expect(rate.perSecond(20_500)).toBe(100);
  expect(rate.perSecond(22_000)).toBe(60);
  expect(rate.perSecond(40_000)).toBe(0);
});
