/* What there is to ask for, and what explains a difference. */

import { ask } from './http';
import type { Span } from './search';
import type { Answer, Explained, Facets, FieldValues } from './shapes';

export function facets(query: string, span: Span, limit: number, signal: AbortSignal): Promise<Facets> {
  return ask('facets', { params: { query, ...span, limit }, signal });
}

export function fieldValues(
  name: string,
  query: string,
  span: Span,
  prefix: string,
  limit: number,
  signal: AbortSignal,
): Promise<FieldValues> {
  const path = `fields/${encodeURIComponent(name)}/values`;
  return ask(path, { params: { query, ...span, prefix, limit }, signal });
}

/** Templates of the messages of what `line` finds, the most frequent first. */
export function patterns(line: string, span: Span, limit: number, signal: AbortSignal): Promise<Answer> {
  return ask('query', { params: { query: `${line} | patterns`, ...span, limit }, signal });
}

export interface ExplainRequest {
  query: string;
  start?: string;
  end?: string;
  baseline?: { query?: string; start?: string; end?: string };
  limit?: number;
}

export function explain(body: ExplainRequest, signal: AbortSignal): Promise<Explained> {
  return ask('explain', { method: 'POST', body, signal });
}
