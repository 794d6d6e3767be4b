/* A colour for each line: of a level its own, of others one of twelve. */

import { LEVELS } from '../api/shapes';
import type { Line } from './series';

const COLOURS = 12;

/** The name of a token. */
export function colourOf(line: Line, at: number, byLevel: boolean): string {
  const group = line.groups[0];
  if (byLevel && group != null && (LEVELS as readonly string[]).includes(group)) return `--level-${group}`;
  if (byLevel && group === null) return '--level-none';
  return `--series-${(at % COLOURS) + 1}`;
}
