/* Sizes of a store in words, and in the order that somebody wants. */

import type { FieldSize, StoreKind } from '../api/operating';

export const KINDS: Record<StoreKind, string> = {
  segments: 'segments (compressed columns in files)',
  postgresql: 'rows in PostgreSQL',
  both: 'segments, and rows in PostgreSQL',
};

export const PARTS: Record<string, string> = {
  values: 'Values of columns',
  filters: 'Filters of words',
  footers: 'Footers and the like',
  rows: 'Rows',
  indexes: 'Indexes',
};

export type SortKey = 'field' | 'bytes' | 'ratio' | 'segments';

/** How many times smaller a field is than its values. */
export function ratio(field: FieldSize): number {
  return field.bytes === 0 ? 0 : field.uncompressed_bytes / field.bytes;
}

/** Names rise, numbers fall; equal ones by name. */
export function sorted(fields: readonly FieldSize[], by: SortKey): FieldSize[] {
  const byName = (one: FieldSize, other: FieldSize): number =>
    one.field < other.field ? -1 : one.field > other.field ? 1 : 0;
  const value = (field: FieldSize): number =>
    by === 'bytes' ? field.bytes : by === 'ratio' ? ratio(field) : by === 'segments' ? field.segments : 0;
  return [...fields].sort((one, other) => value(other) - value(one) || byName(one, other));
}
