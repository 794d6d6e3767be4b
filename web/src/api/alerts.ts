/* Alert rules, what they did, and what keeps them quiet. */

import { ask } from './http';

export type Receiver =
  | { kind: 'webhook'; url: string; secret?: string }
  | { kind: 'slack'; url: string }
  | { kind: 'email'; to: string[] };

export type Severity = 'info' | 'warning' | 'critical';

export interface Rule {
  query: string;
  /** Of a table with several columns of numbers: the one that is compared. */
  value?: string;
  window: string;
  interval: string;
  condition: string;
  for: number;
  severity: Severity;
  labels: Record<string, string>;
  about: string;
  receivers: Receiver[];
  tells_resolved: boolean;
  enabled: boolean;
}

export interface RuleState {
  status: 'ok' | 'pending' | 'firing' | 'unknown';
  since: string;
  matches_in_a_row: number;
  value: number | null;
  evaluated_at: string | null;
  next_at: string | null;
  failing_since: string | null;
  error: string;
  note: string;
  skipped: number;
  silenced: boolean;
}

export interface NamedRule {
  name: string;
  rule: Rule;
  state: RuleState;
}

/** `firings`: the latest ones first; `end` null: it would fire still. */
export interface Backtest {
  start: string;
  end: string;
  complete: boolean;
  evaluations: number;
  matches: number;
  fired: number;
  firings: { start: string; end: string | null; peak: number }[];
  counts: number;
}

export interface Silence {
  id: string;
  rule: string | null;
  labels: Record<string, string>;
  start: string;
  end: string;
  comment: string;
  author: string;
}

export interface NewSilence {
  rule?: string;
  labels?: Record<string, string>;
  duration: string;
  comment: string;
}

export interface Transition {
  id: string;
  rule: string;
  kind: 'firing' | 'resolved' | 'unknown' | 'known';
  at: string;
  value: number | null;
  error: string;
  note: string;
  silence: string | null;
  deliveries: {
    id: string;
    receiver: Receiver;
    status: 'waiting' | 'delivered' | 'given_up';
    attempts: number;
    error: string;
    done_at: string | null;
  }[];
}

export interface TestDelivery {
  receiver: Receiver;
  delivered: boolean;
  error: string;
}

const at = (name: string): string => `alerts/rules/${encodeURIComponent(name)}`;

export async function rules(signal: AbortSignal): Promise<NamedRule[]> {
  return (await ask<{ rules: NamedRule[] }>('alerts/rules', { signal })).rules;
}

export function rule(name: string, signal: AbortSignal): Promise<NamedRule> {
  return ask(at(name), { signal });
}

/** Not tried on the past here: the form has shown that already. */
export function putRule(name: string, wanted: Rule): Promise<NamedRule> {
  return ask(at(name), { method: 'PUT', params: { backtest_days: 0 }, body: wanted });
}

export function deleteRule(name: string): Promise<unknown> {
  return ask(at(name), { method: 'DELETE' });
}

export async function testRule(name: string): Promise<TestDelivery[]> {
  return (await ask<{ deliveries: TestDelivery[] }>(`${at(name)}/test`, { method: 'POST' })).deliveries;
}

export function backtest(wanted: Rule, days: number, signal: AbortSignal): Promise<Backtest> {
  return ask('alerts/backtest', { method: 'POST', body: { rule: wanted, days }, signal });
}

export async function silences(signal: AbortSignal): Promise<Silence[]> {
  return (await ask<{ silences: Silence[] }>('alerts/silences', { signal })).silences;
}

export function silence(wanted: NewSilence): Promise<Silence> {
  return ask('alerts/silences', { method: 'POST', body: wanted });
}

export function endSilence(id: string): Promise<unknown> {
  return ask(`alerts/silences/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export function history(
  name: string,
  cursor: string,
  signal: AbortSignal,
): Promise<{ history: Transition[]; next: string | null }> {
  return ask('alerts/history', { params: { rule: name, cursor, limit: 50 }, signal });
}

/** How many match, by span. */
export function counts(
  query: string,
  start: string,
  end: string,
  spanS: number,
  signal: AbortSignal,
): Promise<{ span_s: number; counts: { start: string; count: number }[] }> {
  return ask('histogram', { params: { query, start, end, span: `${spanS}s` }, signal });
}

export interface Readable {
  error: { detail: string; hint: string; suggestion: string | null } | null;
  kind?: 'events' | 'rows' | 'series';
  /** Of a table: its columns of numbers. */
  values?: string[];
}

/** Whether a query can be understood, and what it makes. Throws a Problem where the server says it is no query. */
export function readable(query: string, signal: AbortSignal): Promise<Readable> {
  return ask('query/check', { params: { query }, signal });
}
