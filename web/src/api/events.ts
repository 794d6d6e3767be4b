/* Events and rows, with every digit of their numbers. */

import { fetched, type Call } from './http';
import type { Answer, LogEvent } from './shapes';
import type { Span } from './search';
import { parseExactly } from '../text/exact';

export interface Page {
  answer: Answer;
  /** Of its text: about what it takes in memory. */
  characters: number;
}

export interface Context {
  by: string;
  value: string | null;
  before: LogEvent[];
  event: LogEvent;
  after: LogEvent[];
  more_before: boolean;
  more_after: boolean;
}

async function exactly<T>(path: string, call: Call): Promise<{ value: T; characters: number }> {
  const text = await (await fetched(path, call)).text();
  return { value: parseExactly(text) as T, characters: text.length };
}

/** Throws as `fetched`. */
export async function pageOf(
  query: string,
  span: Span,
  limit: number,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page> {
  const { start, end } = span;
  const found = await exactly<Answer>('query', { params: { query, start, end, limit, cursor }, signal });
  return { answer: found.value, characters: found.characters };
}

export async function eventOf(id: string, signal: AbortSignal): Promise<LogEvent> {
  return (await exactly<LogEvent>(`events/${encodeURIComponent(id)}`, { signal })).value;
}

export async function contextOf(
  id: string,
  by: string,
  before: number,
  after: number,
  signal: AbortSignal,
): Promise<Context> {
  return (await exactly<Context>('context', { params: { id, by, before, after }, signal })).value;
}

export async function countOf(query: string, span: Span, signal: AbortSignal): Promise<number> {
  const { start, end } = span;
  return (await exactly<{ count: number }>('query/count', { params: { query, start, end }, signal })).value
    .count;
}
