/* Questions of the search view. */

import { ask, Problem } from './http';
import type { Answer, Checked, Completion, Histogram, Json, NamedQuery } from './shapes';

export interface Span {
  start: string;
  end: string;
}

interface Unreadable {
  detail: string;
  hint?: string;
  position: number;
  length: number;
  expected: string | string[] | null;
  suggestion: string | null;
}

/** What a query makes. One that cannot be read is a Problem of type "bad_query", whichever way the server tells it. */
export async function check(query: string, signal?: AbortSignal): Promise<Checked> {
  const found = await ask<Checked & { error?: Unreadable | null }>('query/check', {
    params: { query },
    ...(signal && { signal }),
  });
  if (!found.error) return found;
  const { detail, hint = '', position, length, expected, suggestion } = found.error;
  const awaited = Array.isArray(expected) ? expected : expected ? [expected] : [];
  throw new Problem(400, 'bad_query', detail, hint, position, length, awaited, suggestion);
}

export function complete(
  query: string,
  cursor: number,
  span: Span,
  signal: AbortSignal,
): Promise<Completion> {
  return ask('query/complete', { params: { query, cursor, ...span }, signal });
}

export type Clause = { field: string; value?: Json } | { clause: string };

/** The query with a clause put into its search line. */
export async function refine(
  query: string,
  clause: Clause,
  how: 'include' | 'exclude' | 'only',
): Promise<string> {
  const found = await ask<{ query: string }>('query/refine', {
    method: 'POST',
    body: { query, how, ...clause },
  });
  return found.query;
}

export function page(
  query: string,
  span: Span,
  limit: number,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Answer> {
  return ask('query', { params: { query, ...span, limit, cursor }, signal });
}

export function histogram(
  query: string,
  span: Span,
  by: 'level' | 'service',
  signal: AbortSignal,
  /** Length of a bin; a round one if not given. */
  bin?: string,
): Promise<Histogram> {
  return ask('histogram', { params: { query, ...span, by, span: bin }, signal });
}

export async function savedQueries(signal?: AbortSignal): Promise<NamedQuery[]> {
  return (await ask<{ saved_queries: NamedQuery[] }>('saved-queries', { ...(signal && { signal }) }))
    .saved_queries;
}

/** Made, or put in the place of the one of that name. Scope admin. */
export async function saveQuery(name: string, saved: NamedQuery['saved']): Promise<void> {
  await ask(`saved-queries/${encodeURIComponent(name)}`, { method: 'PUT', body: saved });
}

export async function deleteSavedQuery(name: string): Promise<void> {
  await ask(`saved-queries/${encodeURIComponent(name)}`, { method: 'DELETE' });
}
