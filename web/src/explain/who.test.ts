import { expect, test } from 'vitest';
import { who } from './who';

const at = (time: string) => new Date(`2026-11-${time}:00`).getTime();
const selection = { isBrushed: true, startMs: null, endMs: 0 };

test('a selection is named by its times and its filter', () => {
  const times = { fromMs: at('26T10:04'), toMs: at('26T10:09') };
  expect(who({ ...selection, ...times, line: 'level:error ' })).toBe(
    'Between 10:04:00 and 10:09:00, events that match level:error',
  );
  expect(who({ ...selection, ...times, line: '' })).toBe('Between 10:04:00 and 10:09:00, events');
});

test('days are named where there are two, and no time where there is no bound', () => {
  expect(who({ ...selection, fromMs: at('25T23:50'), toMs: at('26T00:10'), line: '' })).toBe(
    'Between 2026-11-25 23:50:00 and 2026-11-26 00:10:00, events',
  );
  expect(who({ ...selection, fromMs: null, toMs: at('26T00:10'), line: 'a' })).toBe(
    'Of all time, events that match a',
  );
});
