/* An event's JSON as the lines of a tree that are open. */

import type { Json } from '../api/shapes';
import { Exact } from '../text/exact';
import { memberName } from './fields';

export interface TreeLine {
  /** The path to it, for what is open. */
  id: string;
  depth: number;
  key: string;
  /** As the query language names it; of an element that is no object, its array's. */
  field: string;
  value: Json;
  kind: 'text' | 'number' | 'word' | 'object' | 'array';
  /** Of what has members, how many; else 0. */
  members: number;
  isOpen: boolean;
  /** Members that are not listed yet stand behind this line. */
  rest: number;
}

/** Members listed at once. */
export const STEP = 100;
const OPEN_DEPTH = 2;
const OPEN_MEMBERS = 20;

export interface Unfolded {
  /** Not as it is at first. */
  turned: ReadonlySet<string>;
  /** How many members, where it is more than at first. */
  listed: ReadonlyMap<string, number>;
}

export function treeLines(data: { [name: string]: Json }, unfolded: Unfolded): TreeLine[] {
  const found: TreeLine[] = [];
  add(found, data, '', '', 0, unfolded);
  return found;
}

function add(
  found: TreeLine[],
  whole: Json,
  path: string,
  parent: string,
  depth: number,
  unfolded: Unfolded,
): void {
  const isArray = Array.isArray(whole);
  const members = Object.entries(whole as Record<string, Json>);
  const most = unfolded.listed.get(path) ?? STEP;
  for (const [key, value] of members.slice(0, most)) {
    const id = `${path}/${key.replace(/~/g, '~0').replace(/\//g, '~1')}`;
    const kind = kindOf(value);
    const isNested = kind === 'object' || kind === 'array';
    const count = isNested ? Object.keys(value as object).length : 0;
    const field = isArray && !isNested ? parent : memberName(parent, key);
    const opens = depth + 1 < OPEN_DEPTH && count <= OPEN_MEMBERS;
    const isOpen = count > 0 && opens !== unfolded.turned.has(id);
    found.push({ id, depth, key, field, value, kind, members: count, isOpen, rest: 0 });
    if (isOpen) add(found, value, id, field, depth + 1, unfolded);
  }
  const last = found.at(-1);
  if (members.length > most && last !== undefined) {
    found.push({
      ...last,
      id: path,
      depth,
      key: '',
      kind: 'word',
      members: 0,
      isOpen: false,
      rest: members.length - most,
    });
  }
}

function kindOf(value: Json): TreeLine['kind'] {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number' || (value as unknown) instanceof Exact) return 'number';
  if (value === null || typeof value === 'boolean') return 'word';
  return Array.isArray(value) ? 'array' : 'object';
}
