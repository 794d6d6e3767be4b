/* Which token a row of the stack has. */

import type { Row } from './bins';

export function tokenOf(row: Row, at: number, by: 'level' | 'service'): string {
  if (by === 'level') return `--level-${row.key ?? 'none'}`;
  return row.isRest || row.key === null ? '--series-rest' : `--series-${(at % 7) + 1}`;
}

export function nameOf(row: Row): string {
  return row.isRest ? 'others' : (row.key ?? 'none');
}
