/* Fields of an event by the names that the query language has for them. */

import type { Json, LogEvent } from '../api/shapes';

/** What these mean is derived; what was sent by these names has a dot in front. */
const DERIVED = new Set(['level', 'service', 'message', 'timestamp', '_id', '_inserted_at']);

/** The name of a member of the event, or of an object within it. */
export function memberName(parent: string, key: string): string {
  if (parent !== '') return `${parent}.${key}`;
  return DERIVED.has(key) ? `.${key}` : key;
}

/** What a column shows of an event; undefined where it has no such field. */
export function valueOf(event: LogEvent, field: string): Json | undefined {
  const set = event.columns?.[field];
  if (set !== undefined) return set;
  switch (field) {
    case 'level':
      return event.level ?? undefined;
    case 'service':
      return event.service ?? undefined;
    case 'timestamp':
      return event.timestamp;
    case '_id':
      return event.id;
    case '_inserted_at':
      return event.inserted_at;
  }
  const sent = field.startsWith('.') ? field.slice(1) : field;
  return within(event.data, sent.split('.'));
}

/** A dotted path may be a key with dots, objects within one another, or both. */
function within(value: Json | undefined, path: readonly string[]): Json | undefined {
  if (path.length === 0 || value === undefined) return value;
  if (value === null || typeof value !== 'object') return undefined;
  for (let taken = path.length; taken > 0; taken -= 1) {
    const key = path.slice(0, taken).join('.');
    if (Object.hasOwn(value, key)) {
      const found = within((value as Record<string, Json>)[key], path.slice(taken));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const TRACES = [
  'trace_id',
  'traceId',
  'trace.id',
  'traceid',
  'dd.trace_id',
  'otelTraceID',
  'request_id',
  'requestId',
  'correlation_id',
];

/** The field that ties an event to others of the same trace or request, and its value. */
export function traceOf(event: LogEvent): { field: string; value: string } | null {
  for (const field of TRACES) {
    const value = valueOf(event, field);
    if ((typeof value === 'string' && value !== '' && !/^0+$/.test(value)) || typeof value === 'number') {
      return { field, value: String(value) };
    }
  }
  return null;
}

/** Columns with one moved to the place of another. */
export function moved(columns: readonly string[], from: number, to: number): string[] {
  const all = [...columns];
  const [taken] = all.splice(from, 1);
  if (taken !== undefined) all.splice(Math.min(Math.max(to, 0), all.length), 0, taken);
  return all;
}
