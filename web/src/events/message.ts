/* What an event says in its row: its message, or the event itself where it has none. */

import type { LogEvent } from '../api/shapes';
import { ansiPieces, plainText } from '../text/ansi';
import { messageOf } from '../text/line';
import { marked } from '../text/marks';
import { clipped, visible } from '../text/visible';

/** Of one line, and of all that is unfolded at first. */
const LINE = 1000;
const LINES = 12;
const WHOLE = 20_000;
/** What is looked at of a text of megabytes. */
const NEAR = 200_000;

export interface Part {
  text: string;
  classes: string;
  colour: string;
  ground: string;
  isMarked: boolean;
}

export interface Told {
  parts: Part[];
  /** Lines that are not shown. */
  more: number;
  /** There is more than is shown, whatever is unfolded. */
  isCut: boolean;
}

/** For a row: one line; the first lines; or all of it, as far as a row may be long. */
export function told(event: LogEvent, how: 'line' | 'some' | 'all', words: RegExp | null): Told {
  const message = messageOf(event);
  const whole = clipped(message, NEAR) || clipped(JSON.stringify(event.data), LINE * 2);
  const lines = whole.replace(/\s+$/, '').split(/\r\n|\n|\r/);
  const kept = how === 'line' ? 1 : how === 'some' ? LINES : lines.length;
  const most = how === 'line' ? LINE : WHOLE;
  const text = lines.slice(0, kept).join('\n');
  const isCut = text.length > most || message.length > NEAR;
  return {
    parts: partsOf(clipped(text, most), words, isCut),
    more: Math.max(0, lines.length - kept),
    isCut,
  };
}

/** Words are marked where they lie within one colour. */
function partsOf(text: string, words: RegExp | null, isCut: boolean): Part[] {
  const found: Part[] = [];
  for (const { text: piece, ...style } of ansiPieces(text)) {
    for (const each of marked(piece, words)) {
      found.push({ ...style, text: visible(each.text), isMarked: each.isMarked });
    }
  }
  if (isCut) found.push({ text: '…', classes: '', colour: '', ground: '', isMarked: false });
  return found;
}

/** Without colours, for copying. */
export function copied(event: LogEvent): string {
  return plainText(messageOf(event)) || JSON.stringify(event.data);
}
