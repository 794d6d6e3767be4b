/* Rules that lift lines out of the stream: a text, and the colour of what has it. */

export interface Rule {
  text: string;
  colour: Colour;
}

export const COLOURS = ['yellow', 'red', 'blue', 'green', 'violet'] as const;
export type Colour = (typeof COLOURS)[number];

export interface Piece {
  text: string;
  colour: Colour | null;
}

const MAX_MARKS = 50;

/** The text in pieces, marked where a rule finds its text, in any case; of two that begin at one place, the first. */
export function marked(text: string, rules: readonly Rule[]): Piece[] {
  const sought = rules
    .filter((rule) => rule.text !== '')
    .map((rule) => ({ ...rule, text: rule.text.toLowerCase() }));
  const pieces: Piece[] = [];
  // Some letters have lower-case forms of another length: places would be wrong in such a text.
  const lower = text.toLowerCase().length === text.length ? text.toLowerCase() : text;
  let at = 0;
  while (sought.length > 0 && pieces.length < MAX_MARKS * 2) {
    let next: { from: number; rule: Rule } | null = null;
    for (const rule of sought) {
      const from = lower.indexOf(rule.text, at);
      if (from >= 0 && (next === null || from < next.from)) next = { from, rule };
    }
    if (next === null) break;
    if (next.from > at) pieces.push({ text: text.slice(at, next.from), colour: null });
    at = next.from + next.rule.text.length;
    pieces.push({ text: text.slice(next.from, at), colour: next.rule.colour });
  }
  if (at < text.length) pieces.push({ text: text.slice(at), colour: null });
  return pieces;
}
