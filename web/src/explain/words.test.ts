import { expect, test } from 'vitest';
import type { Explained, Finding } from '../api/shapes';
import { factText, headline, liftText, split, verb } from './words';

const finding = (field: string, value: string | number, more: Partial<Finding> = {}): Finding => ({
  field,
  value,
  query: `${field}:${value}`,
  selection: 0.5,
  baseline: 0.05,
  selection_events: 21,
  baseline_events: 21,
  exact: true,
  lift: 10.4,
  score: 0.8,
  change: 'more',
  complement: false,
  alike: [],
  example: null,
  ...more,
});
const found = (...findings: Finding[]): Explained => {
  const side = { start: null, end: null, events: 42, examined: 42, exact: true };
  return {
    selection: side,
    baseline: side,
    findings,
    patterns: [],
    left_out: { asked: [], times: [], unique: [] },
    cached: false,
    took_ms: 1,
    complete: true,
    watermark: null,
    in_flight: 0,
  };
};

test('facts read as they are meant', () => {
  expect(factText({ field: 'host', value: 'pay-3', query: '' })).toBe('host = pay-3');
  expect(factText({ field: 'ms', range: { at_least: 250, below: null }, query: '' })).toBe('ms ≥ 250');
  expect(factText({ field: 'ms', range: { at_least: null, below: 5 }, query: '' })).toBe('ms < 5');
  expect(factText({ field: 'order', query: '' })).toBe('order is there');
});

test('names are said first, with those that are alike, and without what was sent', () => {
  const told = found(
    finding('attempt', 2),
    finding('host', 'pay-3', { alike: [finding('version', '2.4.1'), finding('.host', 'pay-3')] }),
    finding('http.status', 200, { change: 'gone', selection: 0 }),
    finding('service', 'gateway', { complement: true }),
  );
  expect(headline(told).map(factText)).toEqual(['host = pay-3', 'version = 2.4.1', 'attempt = 2']);
});

test('"mostly" is said only of about half and more', () => {
  expect(verb(found(finding('host', 'pay-3')))).toBe('are mostly');
  expect(verb(found(finding('host', 'pay-3', { selection: 0.25 })))).toBe('have unusually often');
});

test('how many times is rounded, and new is new', () => {
  expect(liftText(finding('a', 1, { lift: 28.69 }))).toBe('29 × as often');
  expect(liftText(finding('a', 1, { lift: 0.5 }))).toBe('2 × as rare');
  expect(liftText(finding('a', 1, { lift: 6677, change: 'new' }))).toBe('new');
});

test('values that made room for others are apart', () => {
  const { first, complements } = split([finding('a', 1), finding('b', 1, { complement: true })]);
  expect([first.length, complements.length]).toEqual([1, 1]);
});
