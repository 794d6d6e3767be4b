import { expect, test } from 'vitest';
import type { Rule } from '../api/alerts';
import { conditionOf, draftOf, holds, newDraft, ruleOf, seconds } from './rule';

const rule: Rule = {
  query: 'service:checkout "card declined"',
  window: '5m',
  interval: '1m',
  condition: '> 100',
  for: 3,
  severity: 'critical',
  labels: { team: 'shop', zone: 'a=b' },
  about: 'Look.',
  receivers: [
    { kind: 'webhook', url: 'https://a.example/***', secret: '***' },
    { kind: 'slack', url: 'https://b.example/***' },
    { kind: 'email', to: ['a@example.org', 'b@example.org'] },
  ],
  tells_resolved: false,
  enabled: false,
};

test('a rule that is shown and sent back is the same, with what is masked', () => {
  const state = {} as never;
  expect(ruleOf(draftOf({ name: 'x', rule, state }))).toEqual(rule);
  const silent = { ...rule, condition: 'no matches' };
  expect(ruleOf(draftOf({ name: 'x', rule: silent, state }))).toEqual(silent);
});

test('what was written wrongly is said before it is sent', () => {
  expect(() => ruleOf({ ...newDraft('a'), window: '5 minutes' })).toThrow('is no span');
  expect(() => ruleOf({ ...newDraft('a'), labels: 'team' })).toThrow('name=value');
});

test('conditions are read and hold as the server says', () => {
  expect(conditionOf('no matches')).toEqual({ sign: '=', threshold: 0 });
  expect(conditionOf('>=5')).toEqual({ sign: '>=', threshold: 5 });
  expect(conditionOf('around 5')).toBeNull();
  const held = (text: string) => [1, 2, 3].filter((value) => holds(conditionOf(text)!, value));
  expect([held('> 2'), held('>= 2'), held('< 2'), held('<= 2'), held('= 2')]).toEqual([
    [3],
    [2, 3],
    [1],
    [1, 2],
    [2],
  ]);
});

test('spans are read', () => {
  expect([seconds('5m'), seconds('1h30m'), seconds('1d'), seconds('5'), seconds('')]).toEqual([
    300,
    5400,
    86400,
    null,
    null,
  ]);
});
