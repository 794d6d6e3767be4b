import { expect, test } from 'vitest';
import { baselines, request, type Selection } from './baselines';

const at = (clock: string) => Date.parse(`2026-11-26T${clock}:00Z`);
const SPIKE: Selection = {
  line: '',
  fromMs: at('10:04'),
  toMs: at('10:09'),
  isBrushed: true,
  startMs: at('09:00'),
  endMs: at('11:00'),
};
const names = (selection: Selection) => baselines(selection).map((each) => each.name);

test('a span is compared with the time before, unless a filter says more', () => {
  expect(names(SPIKE)).toEqual(['before', 'rest', 'day', 'week']);
  expect(names({ ...SPIKE, line: 'level:error' })[0]).toBe('others');
  expect(names({ ...SPIKE, isBrushed: false })).toEqual(['before', 'day', 'week']);
});

test('all time can only be compared by a filter', () => {
  const all = { ...SPIKE, fromMs: null, startMs: null, isBrushed: false };
  expect(names(all)).toEqual([]);
  expect(names({ ...all, line: 'level:error' })).toEqual(['others']);
  expect(request({ ...all, line: 'level:error' }, 'others')).toEqual({
    query: 'level:error',
    end: '2026-11-26T10:09:00.000Z',
    baseline: { query: '' },
  });
});

test('the time before is as long, and ends where the selection begins', () => {
  expect(request(SPIKE, 'before').baseline).toEqual({
    start: '2026-11-26T09:59:00.000Z',
    end: '2026-11-26T10:04:00.000Z',
  });
});

test('the rest is the range without the selection, whatever the filter says', () => {
  expect(request({ ...SPIKE, line: 'a OR b' }, 'rest').baseline).toEqual({
    query: '(a OR b) -timestamp:[2026-11-26T10:04:00.000Z TO 2026-11-26T10:09:00.000Z}',
    start: '2026-11-26T09:00:00.000Z',
    end: '2026-11-26T11:00:00.000Z',
  });
});
