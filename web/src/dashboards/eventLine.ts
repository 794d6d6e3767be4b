/* One event as one line of text, harmless whatever it says: without colours of terminals, what cannot be seen made
   visible, and no longer than a panel is wide. */

import type { Json, LogEvent } from '../api/shapes';

const NAMES = ['message', 'msg', 'body', 'log', 'text'] as const;
const MOST = 400;
const COLOURS = /\u001b\[[0-9;:]*[A-Za-z]/g;
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The message, or the whole event where it has none. */
export function lineOf(event: LogEvent): string {
  for (const name of NAMES) {
    const value = event.data[name];
    if (isSaid(value)) return oneLine(String(value));
  }
  return oneLine(JSON.stringify(event.data));
}

/** On one line, clipped. */
export function oneLine(text: string): string {
  // Cut before it is looked through: a line may have megabytes. Colours may take some of it.
  const near = text.slice(0, MOST * 4);
  const clean = near
    .replace(COLOURS, '')
    .replace(/\s*\r?\n\s*/g, ' ⏎ ')
    .replace(HIDDEN, spelt);
  const characters = [...clean];
  const isCut = characters.length > MOST || near.length < text.length;
  return isCut ? `${characters.slice(0, MOST).join('')}…` : clean;
}

function isSaid(value: Json | undefined): value is string | number | boolean {
  return (
    (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean'
  );
}

/** ␛ for what has a picture, ‹U+202E› for the rest. */
function spelt(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '␡' : `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`;
}
