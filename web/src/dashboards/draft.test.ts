import { describe, expect, test } from 'vitest';
import type { Dashboard, Panel } from '../api/shapes';
import {
  begin,
  edited,
  freeId,
  isChanged,
  isEqual,
  plain,
  redo,
  saved,
  undo,
  withCopy,
  withPanel,
  withParts,
  withoutPanel,
} from './draft';
import { move } from './grid';

const panel = (id: string, parts: Partial<Panel> = {}): Panel => ({
  id,
  title: id,
  query: '',
  saved: null,
  chart: 'auto',
  x: 0,
  y: 0,
  w: 6,
  h: 4,
  ...parts,
});
const board = (...panels: Panel[]): Dashboard => ({
  title: 'Shop',
  about: '',
  range: { start: '-1h', end: null },
  refresh_s: null,
  panels,
});
const titled = (title: string): Dashboard => ({ ...board(), title });

describe('undo', () => {
  const some = edited(edited(begin(titled('a')), titled('b')), titled('c'));

  test('edits are undone and done again one by one', () => {
    expect(undo(some).now.title).toBe('b');
    expect(undo(undo(some)).now.title).toBe('a');
    expect(undo(undo(undo(some))).now.title).toBe('a');
    expect(redo(undo(some)).now.title).toBe('c');
    expect(redo(some)).toBe(some);
  });

  test('a new edit forgets what was undone', () => {
    const other = edited(undo(some), titled('d'));
    expect(redo(other).now.title).toBe('d');
    expect(undo(other).now.title).toBe('b');
  });

  test('an edit that changes nothing is no step', () => {
    expect(edited(some, titled('c'))).toBe(some);
  });

  test('all steps undone is unchanged', () => {
    expect(isChanged(some)).toBe(true);
    expect(isChanged(undo(undo(some)))).toBe(false);
  });

  test('what was saved is unchanged, and undo leads back behind it', () => {
    const kept = saved(some, some.now);
    expect(isChanged(kept)).toBe(false);
    expect(undo(kept).now.title).toBe('b');
    expect(isChanged(undo(kept))).toBe(true);
  });

  test('the memory has a bound', () => {
    let draft = begin(titled('start'));
    for (let step = 0; step < 500; step += 1) draft = edited(draft, titled(`step ${step}`));
    expect(draft.past.length).toBe(200);
    expect(undo(draft).now.title).toBe('step 498');
  });
});

describe('panels', () => {
  test('a new one takes the first room, under an id of its own', () => {
    const parts = { title: 'New', query: '| top service', saved: null, chart: 'top' as const };
    const next = withPanel(board(panel('p1'), panel('p3', { x: 6 })), parts);
    expect(next.panels[2]).toEqual({ ...parts, id: 'p4', x: 0, y: 4, w: 6, h: 6 });
    expect(freeId([panel('p2')])).toBe('p3');
    expect(freeId([panel('p2'), panel('x'), panel('p4')])).toBe('p5');
  });

  test('a copy has the same question and size', () => {
    const next = withCopy(board(panel('p1', { query: 'level:error', w: 4, h: 3 })), 'p1');
    expect(next.panels[1]).toEqual({ ...next.panels[0], id: 'p2', x: 4 });
    expect(withCopy(next, 'nobody')).toBe(next);
  });

  test('other parts leave it where it is', () => {
    const parts = { title: 'T', query: 'q', saved: null, chart: 'events' as const };
    expect(withParts(board(panel('p1', { x: 3 })), 'p1', parts).panels).toEqual([
      panel('p1', { ...parts, x: 3 }),
    ]);
  });

  test('the room of one that is removed closes', () => {
    const next = withoutPanel(board(panel('p1'), panel('p2', { y: 4 })), 'p1');
    expect(next.panels).toEqual([panel('p2')]);
  });
});

test('a dashboard whose panels overlap is put right, which is no change', () => {
  const draft = begin(board(panel('p1'), panel('p2')));
  expect(draft.now.panels[1]?.y).toBe(4);
  expect(isChanged(draft)).toBe(false);
});

test('moving a panel is a change, moving it back is none', () => {
  const draft = begin(board(panel('p1'), panel('p2', { x: 6 })));
  const moved = edited(draft, { ...draft.now, panels: move(draft.now.panels, 'p2', 5, 0) });
  expect(isChanged(moved)).toBe(true);
  expect(isChanged(edited(moved, { ...moved.now, panels: move(moved.now.panels, 'p2', 6, 0) }))).toBe(false);
  expect(isChanged(undo(moved))).toBe(false);
});

test('the order of panels and members means nothing', () => {
  const one = board(panel('p1'), panel('p2', { x: 6 }));
  expect(isEqual(one, { ...one, panels: [...one.panels].reverse() })).toBe(true);
  expect(isEqual(one, { ...one, refresh_s: 5 })).toBe(false);
});

test('what only the server says is left out', () => {
  const told = { ...board(), name: 'shop', built_in: true };
  expect(Object.keys(plain(told))).toEqual(['title', 'about', 'range', 'refresh_s', 'panels']);
});
