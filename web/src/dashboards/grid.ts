/* Where panels stand: a grid of 12 columns in which everything sinks upwards, so that no gap and no overlap can stay.
   A layout is decided by an order: each box in turn goes as high as those before it let it. */

export const COLUMNS = 12;
export const MAX_HEIGHT = 40;
const MAX_Y = 1000;
const LEAST = { w: 2, h: 2 };
/** Below this width, in px, everything stands in one column. */
const NARROW_PX = 700;

export interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export type Direction = 'left' | 'right' | 'up' | 'down';
const STEPS: Record<Direction, readonly [number, number]> = {
  left: [-1, 0],
  right: [1, 0],
  up: [0, -1],
  down: [0, 1],
};

export function columnsFor(widthPx: number): number {
  return widthPx > 0 && widthPx < NARROW_PX ? 1 : COLUMNS;
}

/** Height of one row in px: larger on walls than on desks. */
export function rowPx(widthPx: number): number {
  return Math.round(Math.min(64, Math.max(40, widthPx / 62)));
}

export function collide(one: Place, other: Place): boolean {
  return sharesColumns(one, other) && one.y < other.y + other.h && other.y < one.y + one.h;
}

/** The same boxes without gaps and overlaps, in the order in which they were given. */
export function compact<T extends Box>(boxes: readonly T[]): T[] {
  return settle(boxes, read(boxes.map((each) => ({ ...each, ...within(each) }))));
}

/** Rows that the boxes take. */
export function depth(boxes: readonly Place[]): number {
  return boxes.reduce((most, each) => Math.max(most, each.y + each.h), 0);
}

/** As they are read: from the top, then from the left. */
export function read<T extends Place>(boxes: readonly T[]): T[] {
  return [...boxes].sort((one, other) => one.y - other.y || one.x - other.x);
}

/** With `id` at another place, or as near to it as there is room; what is there moves down, or up when it was passed. */
export function move<T extends Box>(boxes: readonly T[], id: string, x: number, y: number): T[] {
  return changed(boxes, id, (box) => ({ ...box, x: clamp(x, 0, COLUMNS - box.w), y: clamp(y, 0, MAX_Y) }));
}

/** With `id` of another size; what is in the way moves down. */
export function resize<T extends Box>(boxes: readonly T[], id: string, w: number, h: number): T[] {
  return changed(boxes, id, (box) => ({
    ...box,
    w: clamp(w, Math.min(LEAST.w, box.w), COLUMNS - box.x),
    h: clamp(h, Math.min(LEAST.h, box.h), MAX_HEIGHT),
  }));
}

/** The next arrangement in a direction, which may be several cells away; the same boxes if there is none. */
export function nudge<T extends Box>(boxes: readonly T[], id: string, direction: Direction): readonly T[] {
  const box = boxes.find((each) => each.id === id);
  if (box === undefined) return boxes;
  const [dx, dy] = STEPS[direction];
  for (let cells = 1; cells <= depth(boxes); cells += 1) {
    const next = move(boxes, id, box.x + dx * cells, box.y + dy * cells);
    if (!isSame(next, boxes)) return next;
    if (dx !== 0) return boxes;
  }
  return boxes;
}

/** The first free place from the top, for something new. */
export function place(boxes: readonly Place[], w: number, h: number): Place {
  for (let y = 0; y < depth(boxes); y += 1) {
    for (let x = 0; x <= COLUMNS - w; x += 1) {
      const found = { x, y, w, h };
      if (!boxes.some((each) => collide(found, each))) return found;
    }
  }
  return { x: 0, y: depth(boxes), w, h };
}

/** The cell that a point lies in: of px from the grid's corner, of the size of a cell with its gap. */
export function cellAt(px: number, cellPx: number): number {
  return cellPx > 0 ? Math.round(px / cellPx) : 0;
}

export function isSame(some: readonly Box[], others: readonly Box[]): boolean {
  if (some.length !== others.length) return false;
  const known = new Map(others.map((each) => [each.id, each]));
  return some.every((each) => {
    const other = known.get(each.id);
    return (
      other !== undefined &&
      each.x === other.x &&
      each.y === other.y &&
      each.w === other.w &&
      each.h === other.h
    );
  });
}

function changed<T extends Box>(boxes: readonly T[], id: string, change: (box: T) => T): T[] {
  const before = boxes.find((each) => each.id === id);
  if (before === undefined) return [...boxes];
  const after = change(before);
  const others = read(boxes.filter((each) => each.id !== id));
  const first = new Set(others.filter((each) => goesFirst(each, before, after)));
  // What stands above one that goes first goes first as well.
  for (let at = others.length - 1; at >= 0; at -= 1) {
    const other = others[at] as T;
    if (others.slice(at + 1).some((each) => first.has(each) && sharesColumns(each, other))) first.add(other);
  }
  return settle(boxes, [
    ...others.filter((each) => first.has(each)),
    after,
    ...others.filter((each) => !first.has(each)),
  ]);
}

/** Whether `other` stays above: its middle is above the upper edge, or, of one that was passed, above the lower one. */
function goesFirst(other: Box, before: Box, after: Box): boolean {
  if (!sharesColumns(other, after)) return false;
  const middle = other.y + other.h / 2;
  const wasBelow = sharesColumns(other, before) && other.y >= before.y + before.h;
  return wasBelow && after.y > before.y ? middle <= after.y + after.h : middle <= after.y;
}

/** Each as high as those before it in `order` let it; given back in the order of `boxes`. */
function settle<T extends Box>(boxes: readonly T[], order: readonly T[]): T[] {
  const done = new Map<string, T>();
  for (const box of order) {
    const above = [...done.values()].filter((each) => sharesColumns(each, box));
    done.set(box.id, { ...box, y: depth(above) });
  }
  return boxes.map((each) => done.get(each.id) ?? each);
}

function sharesColumns(one: Place, other: Place): boolean {
  return one.x < other.x + other.w && other.x < one.x + one.w;
}

function within(box: Place): Place {
  const w = clamp(box.w, 1, COLUMNS);
  return {
    w,
    h: clamp(box.h, 1, MAX_HEIGHT),
    x: clamp(box.x, 0, COLUMNS - w),
    y: clamp(box.y, 0, MAX_Y),
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.round(value)));
}
