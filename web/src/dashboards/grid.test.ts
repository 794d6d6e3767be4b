import { describe, expect, test } from 'vitest';
import {
  cellAt,
  collide,
  columnsFor,
  compact,
  COLUMNS,
  depth,
  isSame,
  move,
  nudge,
  place,
  read,
  resize,
  rowPx,
  type Box,
} from './grid';

const box = (id: string, x: number, y: number, w: number, h: number): Box => ({ id, x, y, w, h });
/** "a 0,0 6x4" for each, by id. */
const shown = (boxes: readonly Box[]): string[] =>
  boxes.map((each) => `${each.id} ${each.x},${each.y} ${each.w}x${each.h}`).sort();
const overlaps = (boxes: readonly Box[]): boolean =>
  boxes.some((one, at) => boxes.slice(at + 1).some((other) => collide(one, other)));

describe('compact', () => {
  test('gaps close upwards', () => {
    expect(shown(compact([box('a', 0, 3, 6, 2), box('b', 0, 9, 6, 2), box('c', 6, 1, 6, 2)]))).toEqual([
      'a 0,0 6x2',
      'b 0,2 6x2',
      'c 6,0 6x2',
    ]);
  });

  test('overlaps are pushed down, the upper one stays', () => {
    expect(shown(compact([box('a', 0, 0, 6, 4), box('b', 3, 1, 6, 4)]))).toEqual(['a 0,0 6x4', 'b 3,4 6x4']);
  });

  test('what lies outside of the grid comes in', () => {
    expect(shown(compact([box('a', 10, -5, 6, 900)]))).toEqual(['a 6,0 6x40']);
  });

  test('a compact layout stays as it is, and so does its order', () => {
    const boxes = [box('b', 6, 0, 6, 2), box('a', 0, 0, 6, 4), box('c', 6, 2, 6, 2)];
    expect(compact(boxes)).toEqual(boxes);
  });
});

describe('move', () => {
  const two = [box('a', 0, 0, 6, 4), box('b', 0, 4, 6, 4)];

  test('a box that is passed to its middle moves up', () => {
    expect(shown(move(two, 'a', 0, 1))).toEqual(shown(two));
    expect(shown(move(two, 'a', 0, 2))).toEqual(['a 0,4 6x4', 'b 0,0 6x4']);
  });

  test('a box that is met from below moves down', () => {
    expect(shown(move(two, 'b', 0, 3))).toEqual(shown(two));
    expect(shown(move(two, 'b', 0, 1))).toEqual(['a 0,4 6x4', 'b 0,0 6x4']);
  });

  test('a box that is met from the side moves down', () => {
    const side = [box('a', 0, 0, 6, 4), box('b', 6, 0, 6, 4)];
    expect(shown(move(side, 'a', 6, 0))).toEqual(['a 6,0 6x4', 'b 6,4 6x4']);
    expect(shown(move(side, 'a', 3, 0))).toEqual(['a 3,0 6x4', 'b 6,4 6x4']);
  });

  test('what stood below what moved away comes up', () => {
    expect(shown(move(two, 'a', 6, 0))).toEqual(['a 6,0 6x4', 'b 0,0 6x4']);
  });

  test('nothing leaves the grid', () => {
    expect(shown(move(two, 'a', 99, -3))).toEqual(['a 6,0 6x4', 'b 0,0 6x4']);
    expect(shown(move(two, 'b', -4, 900))).toEqual(shown(two));
  });

  test('what stands above a box that stays above stays above it', () => {
    // c leans on b; a goes below c, and so below b as well.
    const boxes = [box('a', 0, 0, 4, 2), box('b', 4, 0, 8, 4), box('c', 0, 4, 8, 2)];
    expect(shown(move(boxes, 'a', 0, 6))).toEqual(['a 0,6 4x2', 'b 4,0 8x4', 'c 0,4 8x2']);
  });

  test('an id that is not there changes nothing', () => {
    expect(move(two, 'z', 0, 0)).toEqual(two);
  });
});

describe('resize', () => {
  test('what is in the way moves down, and comes back up', () => {
    const boxes = [box('a', 0, 0, 6, 4), box('b', 6, 0, 6, 4), box('c', 0, 4, 12, 2)];
    const wide = resize(boxes, 'a', 8, 4);
    expect(shown(wide)).toEqual(['a 0,0 8x4', 'b 6,4 6x4', 'c 0,8 12x2']);
    expect(shown(resize(boxes, 'a', 6, 6))).toEqual(['a 0,0 6x6', 'b 6,0 6x4', 'c 0,6 12x2']);
  });

  test('a panel that grows keeps its place before one that began above it', () => {
    const boxes = [box('a', 0, 0, 6, 2), box('b', 6, 0, 6, 6), box('c', 0, 2, 6, 3)];
    expect(shown(resize(boxes, 'c', 12, 3))).toEqual(['a 0,0 6x2', 'b 6,5 6x6', 'c 0,2 12x3']);
  });

  test('sizes stay within the grid and readable', () => {
    const boxes = [box('a', 8, 0, 4, 4)];
    expect(shown(resize(boxes, 'a', 30, 99))).toEqual(['a 8,0 4x40']);
    expect(shown(resize(boxes, 'a', 0, 0))).toEqual(['a 8,0 2x2']);
  });

  test('one that was made smaller elsewhere is not made larger', () => {
    expect(shown(resize([box('a', 0, 0, 1, 1)], 'a', 1, 1))).toEqual(['a 0,0 1x1']);
  });
});

describe('nudge', () => {
  test('down and up go past the next box, however high it is', () => {
    const boxes = [box('a', 0, 0, 6, 4), box('b', 0, 4, 6, 9)];
    const down = nudge(boxes, 'a', 'down');
    expect(shown(down)).toEqual(['a 0,9 6x4', 'b 0,0 6x9']);
    expect(shown(nudge(down, 'a', 'up'))).toEqual(shown(boxes));
  });

  test('left and right go by a column', () => {
    const boxes = [box('a', 0, 0, 6, 4)];
    expect(shown(nudge(boxes, 'a', 'right'))).toEqual(['a 1,0 6x4']);
  });

  test('at the edge nothing changes', () => {
    const boxes = [box('a', 0, 0, 6, 4)];
    for (const direction of ['left', 'up', 'down'] as const) expect(nudge(boxes, 'a', direction)).toBe(boxes);
    expect(nudge(boxes, 'z', 'right')).toBe(boxes);
  });
});

describe('place', () => {
  test('something new takes the first room from the top, beside what is there', () => {
    expect(place([], 6, 4)).toEqual({ x: 0, y: 0, w: 6, h: 4 });
    expect(place([box('a', 0, 0, 6, 4)], 6, 4)).toEqual({ x: 6, y: 0, w: 6, h: 4 });
    expect(place([box('a', 0, 0, 8, 4)], 6, 4)).toEqual({ x: 0, y: 4, w: 6, h: 4 });
    expect(place([box('a', 0, 0, 6, 8), box('b', 6, 0, 6, 2)], 6, 4)).toEqual({ x: 6, y: 2, w: 6, h: 4 });
  });
});

test('whatever is moved and resized, nothing overlaps, nothing floats, nothing is lost', () => {
  let seed = 7;
  const chance = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  let boxes: Box[] = compact(
    Array.from({ length: 12 }, (_, at) =>
      box(`p${at}`, chance(12), chance(20), 1 + chance(12), 1 + chance(8)),
    ),
  );
  for (let step = 0; step < 500; step += 1) {
    const id = `p${chance(12)}`;
    boxes = chance(2)
      ? move(boxes, id, chance(14) - 1, chance(50))
      : resize(boxes, id, chance(14), chance(10));
    expect(overlaps(boxes)).toBe(false);
    expect(compact(boxes)).toEqual(boxes);
    expect(boxes.every((each) => each.x >= 0 && each.x + each.w <= COLUMNS && each.y >= 0)).toBe(true);
    expect(boxes.map((each) => each.id)).toEqual(Array.from({ length: 12 }, (_, at) => `p${at}`));
  }
});

test('narrow windows have one column, wide ones higher rows', () => {
  expect(columnsFor(0)).toBe(12);
  expect(columnsFor(699)).toBe(1);
  expect(columnsFor(700)).toBe(12);
  expect(rowPx(1280)).toBe(40);
  expect(rowPx(3840)).toBe(62);
});

test('boxes are read from the top, then from the left', () => {
  const boxes = [box('c', 0, 2, 6, 2), box('b', 6, 0, 6, 2), box('a', 0, 0, 6, 2)];
  expect(read(boxes).map((each) => each.id)).toEqual(['a', 'b', 'c']);
  expect(depth(boxes)).toBe(4);
  expect(depth([])).toBe(0);
});

test('a point snaps to the nearest cell', () => {
  expect(cellAt(149, 100)).toBe(1);
  expect(cellAt(151, 100)).toBe(2);
  expect(cellAt(10, 0)).toBe(0);
});

test('layouts are the same by places, whatever their order', () => {
  const boxes = [box('a', 0, 0, 6, 2), box('b', 6, 0, 6, 2)];
  expect(isSame(boxes, [...boxes].reverse())).toBe(true);
  expect(isSame(boxes, move(boxes, 'a', 1, 0))).toBe(false);
  expect(isSame(boxes, boxes.slice(1))).toBe(false);
});
