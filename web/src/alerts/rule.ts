/* A rule as a form has it, and as the API takes it. */

import type { NamedRule, Receiver, Rule, Severity } from '../api/alerts';

export const SIGNS = ['>', '>=', '<', '<=', '='] as const;
export type Sign = (typeof SIGNS)[number];

export interface Condition {
  sign: Sign;
  threshold: number;
}

/** One receiver, with the fields of all kinds: what was typed is there when the kind is changed back. */
export interface ReceiverDraft {
  kind: Receiver['kind'];
  url: string;
  secret: string;
  to: string;
}

export interface Draft {
  name: string;
  query: string;
  /** Of a table: the column whose number is compared; "" where there is one only. */
  value: string;
  sign: Sign | 'no matches';
  threshold: number;
  window: string;
  interval: string;
  for: number;
  severity: Severity;
  labels: string;
  about: string;
  receivers: ReceiverDraft[];
  tells_resolved: boolean;
  enabled: boolean;
}

/** "> 100", "no matches"; null for anything else. */
export function conditionOf(text: string): Condition | null {
  if (text === 'no matches') return { sign: '=', threshold: 0 };
  const found = /^(>=|<=|>|<|=) ?(-?\d{1,15}(?:\.\d{1,15})?)$/.exec(text);
  return found ? { sign: found[1] as Sign, threshold: Number(found[2]) } : null;
}

export function holds(condition: Condition, value: number): boolean {
  const { sign, threshold } = condition;
  if (sign === '>') return value > threshold;
  if (sign === '>=') return value >= threshold;
  if (sign === '<') return value < threshold;
  if (sign === '<=') return value <= threshold;
  return value === threshold;
}

/** Seconds of "5m", "1h30m"; null for anything else. */
export function seconds(text: string): number | null {
  const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return null;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)].reduce(
    (sum, found) => sum + Number(found[1]) * (units[found[2] ?? ''] ?? 0),
    0,
  );
}

export function newDraft(query: string): Draft {
  return {
    name: '',
    query,
    value: '',
    sign: '>',
    threshold: 0,
    window: '5m',
    interval: '1m',
    for: 1,
    severity: 'warning',
    labels: '',
    about: '',
    receivers: [],
    tells_resolved: true,
    enabled: true,
  };
}

export function draftOf({ name, rule }: NamedRule): Draft {
  const condition = conditionOf(rule.condition) ?? { sign: '>', threshold: 0 };
  return {
    ...rule,
    name,
    value: rule.value ?? '',
    sign: rule.condition === 'no matches' ? 'no matches' : condition.sign,
    threshold: condition.threshold,
    labels: Object.entries(rule.labels)
      .map(([label, value]) => `${label}=${value}`)
      .join('\n'),
    receivers: rule.receivers.map((each) => ({
      kind: each.kind,
      url: each.kind === 'email' ? '' : each.url,
      secret: each.kind === 'webhook' ? (each.secret ?? '') : '',
      to: each.kind === 'email' ? each.to.join(', ') : '',
    })),
  };
}

/** Throws what is wrong with what was written. The API knows the rest. */
export function ruleOf(draft: Draft): Rule {
  for (const [what, text] of [
    ['window', draft.window],
    ['interval', draft.interval],
  ] as const) {
    if (seconds(text.trim()) === null)
      throw new SyntaxError(`The ${what} “${text}” is no span: write 5m or 1h.`);
  }
  return {
    query: draft.query.trim(),
    ...(draft.value === '' ? {} : { value: draft.value }),
    window: draft.window.trim(),
    interval: draft.interval.trim(),
    condition: draft.sign === 'no matches' ? draft.sign : `${draft.sign} ${draft.threshold}`,
    for: draft.for,
    severity: draft.severity,
    labels: labelsOf(draft.labels),
    about: draft.about,
    receivers: draft.receivers.map(receiverOf),
    tells_resolved: draft.tells_resolved,
    enabled: draft.enabled,
  };
}

/** Of `name=value` lines. Throws what is wrong with one. */
export function labelsOf(text: string): Record<string, string> {
  const pairs = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line): [string, string] => {
      const at = line.indexOf('=');
      if (at <= 0) throw new SyntaxError(`The label “${line}” is not name=value.`);
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
  return Object.fromEntries(pairs);
}

function receiverOf(draft: ReceiverDraft): Receiver {
  if (draft.kind === 'email') {
    return { kind: 'email', to: draft.to.split(/[\s,;]+/).filter(Boolean) };
  }
  const url = draft.url.trim();
  if (draft.kind === 'slack') return { kind: 'slack', url };
  return { kind: 'webhook', url, ...(draft.secret && { secret: draft.secret }) };
}

/** What a receiver is called in lists. */
export function receiverText(receiver: Receiver): string {
  return receiver.kind === 'email' ? `mail to ${receiver.to.join(', ')}` : `${receiver.kind} ${receiver.url}`;
}

/** Where a rule is. The word that makes a new one may be the name of one, too. */
export function pathOf(name: string): string {
  return `/alerts/${encodeURIComponent(name)}${name === 'new' ? '?exists=1' : ''}`;
}
