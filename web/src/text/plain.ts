/* Texts of others in one line of ours: bounded, without what would colour, move or hide the rest. */

import type { Json, LogEvent } from '../api/shapes';

const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const MESSAGES = ['message', 'msg', 'body', 'log', 'text'];

/** One line: blanks for line ends, control codes of terminals left out, other hidden characters as pictures. */
export function plain(text: string, longest = 1000): string {
  // Cut first: what is thrown away need not be looked at.
  const cut = text.length > longest * 4 ? text.slice(0, longest * 4) : text;
  const shown = cut
    .replace(ANSI, '')
    .replace(/[\r\n\t]+/g, ' ')
    .replace(HIDDEN, picture);
  return shown.length > longest || cut !== text ? `${shown.slice(0, longest)}…` : shown;
}

function picture(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x20
    ? String.fromCharCode(0x2400 + code)
    : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** A value as it is written in a list. */
export function valueText(value: Json): string {
  return typeof value === 'string'
    ? value === ''
      ? '""'
      : plain(value, 200)
    : plain(JSON.stringify(value), 200);
}

/** What the event says (docs/reference/events.md), or its JSON where it says nothing. */
export function messageOf(event: LogEvent, longest = 1000): string {
  for (const name of MESSAGES) {
    const value = event.data[name];
    if (typeof value === 'string' && value !== '') return plain(value, longest);
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  }
  return plain(JSON.stringify(event.data), longest);
}
