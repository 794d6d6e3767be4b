/* A table of rows: the order of its rows, how wide its columns are, what its cells say. */

import type { Json, Row } from '../api/shapes';
import { numeric } from '../charts/series';
import { visible } from '../text/visible';
import { localTime } from '../text/times';

export interface Order {
  column: string;
  isDown: boolean;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
const MOST_CHARACTERS = 300;
const LOOKED_AT = 200;

/** As the language sorts: numbers by value, then texts; what is null last, either way. */
export function ordered(rows: readonly Row[], order: Order | null): readonly Row[] {
  if (order === null) return rows;
  const { column, isDown } = order;
  return [...rows].sort((a, b) => {
    const [left, right] = [a[column] ?? null, b[column] ?? null];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return isDown ? compare(right, left) : compare(left, right);
  });
}

function compare(left: Json, right: Json): number {
  const [one, other] = [numeric(left), numeric(right)];
  if (one !== null && other !== null) return one - other;
  if (one !== null || other !== null) return one === null ? 1 : -1;
  const [text, second] = [plain(left), plain(right)];
  return text < second ? -1 : text > second ? 1 : 0;
}

/** Whole, for copying. */
export function plain(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** For a cell: clipped, times in the browser's zone. */
export function shown(value: Json | undefined): string {
  const text = plain(value);
  return TIME.test(text) ? localTime(Date.parse(text), !/\.0+Z$/.test(text)) : visible(text, MOST_CHARACTERS);
}

/** In characters, of the longest of the first rows. */
export function widthOf(column: string, rows: readonly Row[]): number {
  let most = column.length + 3;
  for (const row of rows.slice(0, LOOKED_AT)) most = Math.max(most, shown(row[column]).length + 2);
  return Math.min(Math.max(most, 8), 80);
}

/** The greatest of the numbers of a column, for bars; 0 where it is not all of numbers from 0 up. */
export function greatest(column: string, rows: readonly Row[]): number {
  let most = 0;
  for (const row of rows) {
    const value = row[column];
    if (value === null || value === undefined) continue;
    if (typeof value === 'string') return 0;
    const found = numeric(value);
    if (found === null || found < 0) return 0;
    most = Math.max(most, found);
  }
  return most;
}

/** Tab-separated, as spreadsheets take it from the clipboard; blanks for tabs and line ends within a cell. */
export function asText(columns: readonly string[], rows: readonly Row[]): string {
  const cell = (text: string): string =>
    text.replace(/[\t\r\n]+/g, ' ').replace(/^(?:[=@]|[+-](?![.\d]))/, "'$&");
  return [columns.map(cell), ...rows.map((row) => columns.map((name) => cell(plain(row[name]))))]
    .map((cells) => cells.join('\t'))
    .join('\n');
}
