/* A dashboard while it is edited: every edit gives a new one, and the old ones are kept for undo. No state, no I/O. */

import type { Dashboard, Panel } from '../api/shapes';
import { compact, place, read, type Place } from './grid';

export const MAX_PANELS = 60;
const NEW_SIZE = { w: 6, h: 6 };
const MOST_STEPS = 200;

export interface Draft {
  /** As the server has it. */
  readonly base: Dashboard;
  readonly now: Dashboard;
  readonly past: readonly Dashboard[];
  readonly future: readonly Dashboard[];
}

/** Begin with what the server has; what overlaps in it is put right. */
export function begin(base: Dashboard): Draft {
  const now = arranged(base);
  return { base: now, now, past: [], future: [] };
}

export function isChanged(draft: Draft): boolean {
  return !isEqual(draft.now, draft.base);
}

/** After an edit; one that changes nothing is none. */
export function edited(draft: Draft, next: Dashboard): Draft {
  if (isEqual(draft.now, next)) return draft;
  return { ...draft, now: next, past: [...draft.past.slice(1 - MOST_STEPS), draft.now], future: [] };
}

export function undo(draft: Draft): Draft {
  const last = draft.past.at(-1);
  if (last === undefined) return draft;
  return { ...draft, now: last, past: draft.past.slice(0, -1), future: [draft.now, ...draft.future] };
}

export function redo(draft: Draft): Draft {
  const [next, ...future] = draft.future;
  if (next === undefined) return draft;
  return { ...draft, now: next, past: [...draft.past, draft.now], future };
}

/** After `now` was saved: undo still leads back, as a change. */
export function saved(draft: Draft, base: Dashboard): Draft {
  return { ...draft, base: arranged(base) };
}

/** As it is drawn: without gaps and overlaps, the panels in the order in which they are read. */
export function arranged(dashboard: Dashboard): Dashboard {
  return { ...plain(dashboard), panels: read(compact(dashboard.panels)) };
}

/** Without what only the server says of it. */
export function plain(dashboard: Dashboard): Dashboard {
  const { title, about, range, refresh_s, panels } = dashboard;
  return { title, about, range: { ...range }, refresh_s, panels };
}

export type PanelParts = Pick<Panel, 'title' | 'query' | 'saved' | 'chart'>;

/** With a panel at the first free place. */
export function withPanel(dashboard: Dashboard, parts: PanelParts, size: Partial<Place> = {}): Dashboard {
  const { w, h } = { ...NEW_SIZE, ...size };
  const panel = { ...parts, ...place(dashboard.panels, w, h), id: freeId(dashboard.panels) };
  return { ...dashboard, panels: [...dashboard.panels, panel] };
}

/** With other parts of one panel; its place stays. */
export function withParts(dashboard: Dashboard, id: string, parts: PanelParts): Dashboard {
  return {
    ...dashboard,
    panels: dashboard.panels.map((each) => (each.id === id ? { ...each, ...parts } : each)),
  };
}

/** With the same panel once more. */
export function withCopy(dashboard: Dashboard, id: string): Dashboard {
  const panel = dashboard.panels.find((each) => each.id === id);
  if (panel === undefined) return dashboard;
  const { title, query, saved, chart, w, h } = panel;
  return withPanel(dashboard, { title, query, saved, chart }, { w, h });
}

export function withoutPanel(dashboard: Dashboard, id: string): Dashboard {
  return { ...dashboard, panels: compact(dashboard.panels.filter((each) => each.id !== id)) };
}

export function freeId(panels: readonly Panel[]): string {
  const taken = new Set(panels.map((each) => each.id));
  let at = panels.length + 1;
  while (taken.has(`p${at}`)) at += 1;
  return `p${at}`;
}

/** Whether two dashboards say the same, whatever the order of their panels and members. */
export function isEqual(one: Dashboard, other: Dashboard): boolean {
  return one === other || spelt(one) === spelt(other);
}

function spelt(dashboard: Dashboard): string {
  const { title, about, range, refresh_s, panels } = dashboard;
  const all = panels
    .map((each) => [each.id, each.title, each.query, each.saved, each.chart, each.x, each.y, each.w, each.h])
    .sort((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1));
  return JSON.stringify([title, about, range.start, range.end, refresh_s, all]);
}
