/* Texts of others in one line of ours: bounded, without what would colour, move or hide the rest. */

import type { Json, LogEvent } from '../api/shapes';
import { plainText } from './ansi';
import { clipped, visible } from './visible';

/** As docs/reference/events.md has them. */
const NAMES = ['message', 'msg', 'body', 'log', 'text'];

/** On one line, clipped to about `most` characters: line ends as ⏎, what cannot be seen made visible. */
export function oneLine(text: string, most = 1000): string {
  // Cut first: a text may have megabytes, and breaks may take some of it.
  const near = clipped(text, most * 4);
  const line = near.replace(/\s*[\r\n]+\s*/g, ' ⏎ ').replaceAll('\t', ' ');
  const shown = visible(line, most);
  return near.length < text.length && line.length <= most ? `${shown}…` : shown;
}

/** The same without the colours of terminals: for what events say. */
export function said(text: string, most = 1000): string {
  const near = clipped(text, most * 4);
  const line = oneLine(plainText(near), most);
  return near.length < text.length && !line.endsWith('…') ? `${line}…` : line;
}

/** What the event says, as it is; "" where it says nothing. */
export function messageOf(event: LogEvent): string {
  for (const name of NAMES) {
    const value = event.data[name];
    if (isSaid(value)) return String(value);
  }
  return '';
}

/** What the event says in one line, or its JSON where it says nothing. */
export function lineOf(event: LogEvent, most = 1000): string {
  return said(messageOf(event), most) || said(JSON.stringify(event.data), most);
}

/** A value as it is written in a list. */
export function valueText(value: Json): string {
  return value === '' ? '""' : said(typeof value === 'string' ? value : JSON.stringify(value), 200);
}

function isSaid(value: Json | undefined): boolean {
  return (
    (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean'
  );
}
