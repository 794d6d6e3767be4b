import { expect, test } from 'vitest';
import { timeTicks } from './ticks';

const at = (text: string): number => new Date(text).getTime() / 1000;

test('ticks are clock times, and the day where one begins', () => {
  expect(
    timeTicks(
      [at('2026-11-25T22:00'), at('2026-11-25T23:00'), at('2026-11-26T00:00'), at('2026-11-26T01:00')],
      3600,
    ),
  ).toEqual(['22:00', '23:00', 'Nov 26', '01:00']);
});

test('close ones have seconds, far ones are days or months', () => {
  expect(timeTicks([at('2026-11-25T22:00:05')], 5)).toEqual(['22:00:05']);
  expect(timeTicks([at('2026-11-25T22:00:05.250')], 0.25)).toEqual(['22:00:05.250']);
  expect(timeTicks([at('2026-11-25T00:00')], 86_400)).toEqual(['Nov 25']);
  expect(timeTicks([at('2026-11-01T00:00')], 30 * 86_400)).toEqual(['Nov 2026']);
});
