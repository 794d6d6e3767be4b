/* Templates of messages (docs/reference/patterns.md): their parts, and a filter that finds what has them. */

export interface Part {
  text: string;
  isMask: boolean;
}

const MASK = /<(?:num|duration|size|time|ip|uuid|hex|id|\*)>/g;
/** What has no template of its own. */
export const OTHER = '<other>';
// The language takes 1,000 characters of an expression; behind so many the rest tells little.
const LONGEST = 600;

export function parts(template: string): Part[] {
  const found: Part[] = [];
  let at = 0;
  for (const mask of template.matchAll(MASK)) {
    if (mask.index > at) found.push({ text: template.slice(at, mask.index), isMask: false });
    found.push({ text: mask[0], isMask: true });
    at = mask.index + mask[0].length;
  }
  if (at < template.length) found.push({ text: template.slice(at), isMask: false });
  return found;
}

/** A clause that finds the messages of a template, and hardly others; null where none can. `isLoose`: also those in
 * which more than one blank, or codes of terminals, stand between words. */
export function clauseOf(template: string, isLoose = false): string | null {
  if (template === '' || template === OTHER || template === '<*>') return null;
  const blank = isLoose ? String.raw`(\s|\x1b\[[\d;]*m)+` : ' ';
  let text = isLoose ? String.raw`^(\s|\x1b\[[\d;]*m)*` : '^';
  let isWhole = true;
  for (const part of parts(template)) {
    const next = part.isMask ? '.+' : escaped(part.text).replaceAll(' ', () => blank);
    if (text.length + next.length > LONGEST) {
      isWhole = false;
      break;
    }
    text += next;
  }
  // The template is that of the first line, whole.
  if (isWhole && !text.endsWith('.+'))
    text += isLoose ? String.raw`(\s|\x1b\[[\d;]*m)*(\n|$)` : String.raw`(\n|$)`;
  return text === '^' ? null : `message:/${text}/`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}/]/g, '\\$&');
}

export interface Pattern {
  id: string;
  template: string;
  count: number;
  firstMs: number;
  lastMs: number;
}

export type Order = 'count' | 'rare' | 'new';

export function ordered(patterns: readonly Pattern[], order: Order): Pattern[] {
  const compare: Record<Order, (a: Pattern, b: Pattern) => number> = {
    count: (a, b) => b.count - a.count,
    rare: (a, b) => a.count - b.count,
    new: (a, b) => b.firstMs - a.firstMs,
  };
  return [...patterns].sort(compare[order]);
}

/** Not seen in the first half of the range, though others were. */
export function isNew(pattern: Pattern, startMs: number, endMs: number): boolean {
  return pattern.firstMs > startMs + (endMs - startMs) / 2;
}
