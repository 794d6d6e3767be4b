/* What somebody wrote to mend dead letters, made into what the API takes. */

import type { Edit } from '../api/deadletters';
import type { Json } from '../api/shapes';

/** An event as it is edited: laid out over lines where that changes nothing in it, such as a number beyond doubles. */
export function editable(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    return JSON.stringify(value) === body.trim() ? JSON.stringify(value, null, 2) : body;
  } catch {
    return body;
  }
}

/** The text as it is sent: on one line. In JSON a line break is never part of a text. Throws what is wrong with it. */
export function eventText(text: string): string {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError('an event is a JSON object: {"field": value, …}');
  }
  return text.trim().replace(/[\r\n]+\s*/g, ' ');
}

export interface Written {
  /** `old=new`, one in each line. */
  rename: string;
  /** Names, one in each line. */
  drop: string;
  /** A JSON object. */
  set: string;
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** Undefined where nothing is to be changed. Throws what is wrong with it. */
export function editOf(written: Written): Edit | undefined {
  const edit: Edit = {};
  const drop = lines(written.drop);
  if (drop.length > 0) edit.drop = drop;
  const rename = lines(written.rename).map((line): [string, string] => {
    const at = line.indexOf('=');
    if (at <= 0 || at === line.length - 1) throw new SyntaxError(`rename: ${line} is not old=new`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  if (rename.length > 0) edit.rename = Object.fromEntries(rename);
  if (written.set.trim() !== '') edit.set = JSON.parse(eventText(written.set)) as Record<string, Json>;
  return Object.keys(edit).length === 0 ? undefined : edit;
}

/** Bytes that are no text, as a hex dump of their beginning. */
export function hexDump(base64: string, most = 512): string {
  const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0)).subarray(0, most);
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const hex = row.map((each) => each.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((each) => (each >= 32 && each < 127 ? String.fromCharCode(each) : '.')).join('');
    rows.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return rows.join('\n');
}
