import { expect, test } from 'vitest';
import { countTicks, tickText, tickTexts, timeTicks } from './ticks';

test('marks stand on round local times, and are not too many', () => {
  const from = new Date(2026, 10, 26, 10, 3).getTime();
  const ticks = timeTicks(from, from + 3_600_000, 720);
  expect(ticks[0]).toBe(new Date(2026, 10, 26, 10, 10).getTime());
  expect(ticks.length).toBeLessThanOrEqual(8);
  expect(timeTicks(from, from + 3_600_000_000_000, 720).length).toBeLessThanOrEqual(20);
});

test('a mark tells what tells it from its neighbours', () => {
  const at = new Date(2026, 10, 26, 10, 30, 15).getTime();
  expect(tickText(at, 15_000)).toBe('10:30:15');
  expect(tickText(at + 250, 100)).toBe('10:30:15.250');
  expect(tickText(at, 600_000)).toBe('10:30');
  expect(tickText(new Date(2026, 10, 26).getTime(), 3_600_000)).toBe('26 Nov');
  expect(tickText(at, 365 * 86_400_000)).toBe('2026');
});

test('a day is named where it begins', () => {
  const hours = [22, 23, 24, 25].map((hour) => new Date(2026, 10, 25, hour).getTime());
  expect(tickTexts(hours)).toEqual(['22:00', '23:00', '26 Nov', '01:00']);
});

test('counts have a round top', () => {
  expect(countTicks(0)).toEqual([0, 1]);
  expect(countTicks(37)).toEqual([0, 20, 40]);
  expect(countTicks(5)).toEqual([0, 5]);
  expect(countTicks(1200)).toEqual([0, 1000, 2000]);
});

test('days begin at midnight and hours are round on both sides of a change of clocks', () => {
  // Whatever the zone, these are local times: the week has such a change in many of them.
  const [from, to] = [new Date(2026, 9, 23).getTime(), new Date(2026, 9, 30).getTime()];
  const days = timeTicks(from, to, 720);
  expect(days.map((ms) => new Date(ms).getHours())).toEqual(days.map(() => 0));
  expect(days.map((ms) => new Date(ms).getDate())).toEqual([23, 24, 25, 26, 27, 28, 29, 30]);
  const hours = timeTicks(new Date(2026, 9, 24, 12).getTime(), new Date(2026, 9, 25, 23).getTime(), 540);
  expect(hours.every((ms) => new Date(ms).getHours() % 6 === 0)).toBe(true);
});
