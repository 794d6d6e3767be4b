import { expect, test } from 'vitest';
import { readDashboard, Unreadable } from './reading';

const PANEL = {
  id: 'p1',
  title: 'Errors',
  query: 'level:error',
  saved: null,
  chart: 'bars',
  x: 0,
  y: 0,
  w: 6,
  h: 4,
};
const GOOD = { title: 'Shop', about: '', range: { start: '-6h', end: null }, refresh_s: 30, panels: [PANEL] };
const refused = (value: unknown): string => {
  try {
    readDashboard(typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    throw error;
  }
  throw new Error('it was read');
};

test('what was exported is read as it was', () => {
  const { name, dashboard } = readDashboard(JSON.stringify({ ...GOOD, name: 'shop', built_in: false }));
  expect(name).toBe('shop');
  expect(dashboard).toEqual(GOOD);
});

test('what is not said is as the server would take it', () => {
  const { name, dashboard } = readDashboard('{"title":"Bare","panels":[{"id":"a","x":0,"y":0,"w":1,"h":1}]}');
  expect(name).toBe('');
  expect(dashboard.range).toEqual({ start: '-1h', end: null });
  expect(dashboard.panels[0]).toEqual({
    id: 'a',
    title: '',
    query: '',
    saved: null,
    chart: 'auto',
    x: 0,
    y: 0,
    w: 1,
    h: 1,
  });
});

test('what is no dashboard is refused with the place and what belongs there', () => {
  expect(refused('<html>')).toMatch(/^The file is no JSON/);
  expect(refused('')).toMatch(/no JSON/);
  expect(refused([])).toBe(
    'The file is an array: it is an object with title, about, range, refresh_s, panels, name, built_in.',
  );
  expect(refused({ ...GOOD, title: '' })).toMatch(/^title is missing/);
  expect(refused({ ...GOOD, templating: {} })).toMatch(/"templating" that no dashboard/);
  expect(refused({ ...GOOD, panels: {} })).toBe('panels is an object: it is an array of panels.');
  expect(refused({ ...GOOD, refresh_s: 1 })).toBe('refresh_s is 1: it is a whole number from 5 to 86400.');
  expect(refused({ ...GOOD, panels: [{ ...PANEL, w: 13 }] })).toBe(
    'panels[0].w is 13: it is a whole number from 1 to 12.',
  );
  expect(refused({ ...GOOD, panels: [{ ...PANEL, x: 7 }] })).toMatch(/panels\[0\].x is 7: .* from 0 to 6/);
  expect(refused({ ...GOOD, panels: [{ ...PANEL, h: 1e308 }] })).toMatch(/panels\[0\].h is 1e\+308/);
  expect(refused({ ...GOOD, panels: [{ ...PANEL, chart: 'pie' }] })).toMatch(
    /chart is "pie": one of auto, lines/,
  );
  expect(refused({ ...GOOD, panels: [PANEL, PANEL] })).toMatch(
    /panels\[1\].id: another panel is called "p1"/,
  );
  expect(refused({ ...GOOD, panels: [null] })).toMatch(/^panels\[0\] is null/);
  expect(refused({ ...GOOD, panels: Array.from({ length: 61 }, () => PANEL) })).toMatch(
    /61 of them: at most 60/,
  );
});

test('hostile files are refused shortly', () => {
  expect(refused('{"__proto__":{"title":"x"},"title":"a"}')).toMatch(/"__proto__" that no dashboard/);
  expect(refused({ ...GOOD, title: 'x'.repeat(201) })).toBe('title has more than 200 characters.');
  expect(refused({ ...GOOD, title: 'a\u001b[31mb' })).toMatch(/control characters/);
  expect(refused({ ...GOOD, panels: [{ ...PANEL, id: '<img src=x onerror=alert(1)>' }] })).toMatch(
    /letters, digits/,
  );
  expect(refused(`"${'x'.repeat(300_000)}"`)).toMatch(/more than 256 KiB/);
  expect(refused('['.repeat(200_000)).length).toBeLessThan(300);
});

test('panels that overlap are put side by side', () => {
  const { dashboard } = readDashboard(JSON.stringify({ ...GOOD, panels: [PANEL, { ...PANEL, id: 'p2' }] }));
  expect(dashboard.panels.map((each) => each.y)).toEqual([0, 4]);
});
