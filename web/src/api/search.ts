/* Questions of the search view. */

import { ask } from './http';
import type { Answer, Checked, Completion, Histogram, Json, NamedQuery } from './shapes';

export interface Span {
  start: string;
  end: string;
}

export function check(query: string, signal?: AbortSignal): Promise<Checked> {
  return ask('query/check', { params: { query }, ...(signal && { signal }) });
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
): Promise<Histogram> {
  return ask('histogram', { params: { query, ...span, by }, signal });
}

export async function savedQueries(signal: AbortSignal): Promise<NamedQuery[]> {
  return (await ask<{ saved_queries: NamedQuery[] }>('saved-queries', { signal })).saved_queries;
}
