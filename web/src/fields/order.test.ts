import { expect, test } from 'vitest';
import type { Facet } from '../api/shapes';
import { grouped } from './order';

const facet = (name: string, values: string[] = [], unique = false): Facet => ({
  name,
  types: ['str'],
  events: 10,
  distinct: values.length,
  unique,
  values: values.map((value) => ({ value, count: 1 })),
});
const FACETS = [
  facet('.level', ['WARN']),
  facet('host', ['pay-1', 'pay-3']),
  facet('trace_id', [], true),
  facet('level', ['error']),
  facet('service', ['payments']),
];
const names = (facets: Facet[]) => facets.map((each) => each.name);

test('pinned fields come first, what was sent last, unique ones apart', () => {
  const found = grouped(FACETS, ['service', 'level', 'gone'], '');
  expect(names(found.pinned)).toEqual(['service', 'level']);
  expect(names(found.common)).toEqual(['host', '.level']);
  expect(names(found.unique)).toEqual(['trace_id']);
});

test('a field is found by its name, or by its values, of which only those are left', () => {
  expect(names(grouped(FACETS, [], 'TRACE').unique)).toEqual(['trace_id']);
  const [host] = grouped(FACETS, [], 'pay-3').common;
  expect(host?.values.map((each) => each.value)).toEqual(['pay-3']);
  expect(grouped(FACETS, [], 'nothing').common).toEqual([]);
});
