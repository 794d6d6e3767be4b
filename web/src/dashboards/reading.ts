/* A dashboard out of a file that somebody chose: whatever is in it, either a dashboard comes out or a reason why not. */

import { CHARTS, type ChartKind, type Dashboard, type Panel } from '../api/shapes';
import { arranged, MAX_PANELS } from './draft';
import { COLUMNS, MAX_HEIGHT } from './grid';

const MAX_BYTES = 256 * 1024;

/** What the server takes in no title: what steers a terminal, and what reorders or hides text. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;

/** What is wrong with it, in one sentence. */
export class Unreadable extends Error {}

export interface Read {
  /** Under which it was exported; "" if it does not say. */
  name: string;
  dashboard: Dashboard;
}

/** Throws Unreadable. */
export function readDashboard(text: string): Read {
  if (text.length > MAX_BYTES)
    throw new Unreadable(`The file has more than ${MAX_BYTES / 1024} KiB; a dashboard has not.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Unreadable(`The file is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const top = members(value, 'The file', [
    'title',
    'about',
    'range',
    'refresh_s',
    'panels',
    'name',
    'built_in',
  ]);
  const title = line(top['title'], 'title', 200);
  if (title === '') throw new Unreadable('title is missing: a dashboard has one.');
  const refresh = top['refresh_s'] ?? null;
  return {
    name: words(top['name'], 'name', 100),
    dashboard: arranged({
      title,
      about: words(top['about'], 'about', 2000),
      range: readRange(top['range'] ?? {}),
      refresh_s: refresh === null ? null : whole(refresh, 'refresh_s', 5, 86_400),
      panels: readPanels(top['panels'] ?? []),
    }),
  };
}

function readRange(value: unknown): Dashboard['range'] {
  const range = members(value, 'range', ['start', 'end']);
  const start = range['start'] === undefined ? '-1h' : words(range['start'], 'range.start', 40);
  return { start: start || null, end: words(range['end'], 'range.end', 40) || null };
}

function readPanels(value: unknown): Panel[] {
  if (!Array.isArray(value)) throw new Unreadable(`panels is ${named(value)}: it is an array of panels.`);
  if (value.length > MAX_PANELS)
    throw new Unreadable(`panels has ${value.length} of them: at most ${MAX_PANELS} fit on a dashboard.`);
  const seen = new Set<string>();
  return value.map((each: unknown, at) => {
    const panel = readPanel(each, `panels[${at}]`);
    if (seen.has(panel.id))
      throw new Unreadable(`panels[${at}].id: another panel is called "${panel.id}", too.`);
    seen.add(panel.id);
    return panel;
  });
}

function readPanel(value: unknown, where: string): Panel {
  const it = members(value, where, ['id', 'title', 'query', 'saved', 'chart', 'x', 'y', 'w', 'h']);
  const id = words(it['id'], `${where}.id`, 64);
  if (!/^[A-Za-z0-9_-]+$/.test(id))
    throw new Unreadable(
      `${where}.id is ${named(it['id'])}: letters, digits, _ and - are used, for instance "p1".`,
    );
  const chart = words(it['chart'], `${where}.chart`, 20) || 'auto';
  if (!isChart(chart))
    throw new Unreadable(`${where}.chart is ${named(chart)}: one of ${CHARTS.join(', ')}.`);
  const w = whole(it['w'], `${where}.w`, 1, COLUMNS);
  return {
    id,
    title: line(it['title'], `${where}.title`, 200),
    query: words(it['query'], `${where}.query`, 16_384),
    saved: words(it['saved'], `${where}.saved`, 100) || null,
    chart,
    w,
    h: whole(it['h'], `${where}.h`, 1, MAX_HEIGHT),
    x: whole(it['x'], `${where}.x`, 0, COLUMNS - w),
    y: whole(it['y'], `${where}.y`, 0, 1000),
  };
}

function isChart(text: string): text is ChartKind {
  return (CHARTS as readonly string[]).includes(text);
}

function members(value: unknown, where: string, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Unreadable(`${where} is ${named(value)}: it is an object with ${known.join(', ')}.`);
  const odd = Object.keys(value).find((each) => !known.includes(each));
  if (odd !== undefined)
    throw new Unreadable(
      `${where} has a member ${named(odd)} that no dashboard of Cordwood has: there are ${known.join(', ')}.`,
    );
  return value as Record<string, unknown>;
}

function words(value: unknown, where: string, most: number): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new Unreadable(`${where} is ${named(value)}: it is a text.`);
  if ([...value].length > most) throw new Unreadable(`${where} has more than ${most} characters.`);
  return value;
}

function line(value: unknown, where: string, most: number): string {
  const text = words(value, where, most);
  if (UNSAFE.test(text))
    throw new Unreadable(`${where} has control characters in it, or such as reorder or hide text.`);
  return text;
}

function whole(value: unknown, where: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new Unreadable(`${where} is ${named(value)}: it is a whole number from ${least} to ${most}.`);
  return value;
}

/** A value in a sentence: short, whatever it is. */
function named(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
