/* Which words a search line looks for, and where they are in a text. For the eye only: the server alone decides what
   matches. */

const MOST_WORDS = 20;
const TERM =
  /(-|!|\bNOT\s+)?(?:([\p{L}_.@$][\p{L}\p{N}_.@$/-]*|\*):)?(?:~|=)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/(?:[^/\\]|\\.)+\/|[^\s()"'|]+)/gu;
const KEYWORDS = new Set(['AND', 'OR', 'NOT', '*']);

/** Finds the words, in any case; null where there are none. */
export function wordsOf(line: string): RegExp | null {
  const found: string[] = [];
  for (const [, not, field, value = ''] of line.matchAll(TERM)) {
    if (not !== undefined || value.startsWith('/') || KEYWORDS.has(value.toUpperCase())) continue;
    if (field !== undefined && field !== 'message' && field !== '*') continue;
    if (/^[<>[{(]|^-/.test(value)) continue;
    const isQuoted = /^["']/.test(value);
    const text = isQuoted ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
    if (text === '') continue;
    const literal = text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    const spelt = isQuoted
      ? literal.replace(/[*?]/g, '\\$&')
      : literal.replace(/[*?]/g, (each) => (each === '*' ? '[\\w\\u0080-\\uffff]*' : '.'));
    const [before, after] = [/^\w/.test(text) ? '(?<!\\w)' : '', /\w$/.test(text) ? '(?!\\w)' : ''];
    found.push(`${before}${spelt}${after}`);
    if (found.length === MOST_WORDS) break;
  }
  return found.length === 0 ? null : new RegExp(found.join('|'), 'gi');
}

/** The text in pieces, marked ones among them. */
export function marked(text: string, words: RegExp | null): { text: string; isMarked: boolean }[] {
  if (words === null) return [{ text, isMarked: false }];
  const found: { text: string; isMarked: boolean }[] = [];
  let at = 0;
  for (const match of text.matchAll(words)) {
    if (match[0] === '') continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index), isMarked: false });
    found.push({ text: match[0], isMarked: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push({ text: text.slice(at), isMarked: false });
  return found;
}
