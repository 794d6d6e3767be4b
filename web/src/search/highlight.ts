/* What each piece of a query is, for colours only: the server says what it means. */

export type Kind = 'field' | 'value' | 'text' | 'operator' | 'pipe' | 'regex' | 'number' | 'function';

export interface Piece {
  from: number;
  to: number;
  kind: Kind;
}

const BLANK = /\s+/y;
const PIPE = /\|/y;
const PIPE_NAME = /[A-Za-z]+/y;
const QUOTED = /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?/y;
const FIELD = /(?:[A-Za-z_@$.][\w.\-@$/]*|"(?:[^"\\]|\\.)*"|\*)(?=:)/y;
const COLON = /:/y;
const WORD = /(?:AND|OR|NOT|TO|by|as|if|from|and|or|not|span)(?![\w.-])/y;
const COMPARISON = /[><!]=?|=|~|\.\.|[()[\]{},]/y;
const REGEX_VALUE = /\/(?:[^/\\]|\\.)*\/?/y;
const REGEX = /\/(?:[^/\\\s]|\\.)(?:[^/\\]|\\.)*\//y;
const VALUE = /[^\s()|[\]{},]+/y;
const SIGN = /[-!](?=\S)/y;
const FUNCTION = /[A-Za-z_]\w*(?=\()/y;
const NUMBER = /\d+(?:\.\d+)?(?:[a-zA-Z]+)?/y;
const SYMBOL = /[<>!]?=|[<>+*,()-]/y;
const COLUMN = /[A-Za-z_@$.][\w.\-@$]*/y;
const BRACKET = /[()]/y;
const TEXT = /[^\s()|:]+/y;

/** The pieces of the first `most` characters; what has no colour is left out. */
export function pieces(text: string, most = 5000): Piece[] {
  const reader = new Reader(text.slice(0, most));
  const found: Piece[] = [];
  while (!reader.isDone) {
    const from = reader.at;
    const kind = reader.next();
    if (kind !== null) found.push({ from, to: reader.at, kind });
  }
  return found;
}

class Reader {
  at = 0;
  /** Behind the first pipe. */
  #isPiped = false;
  #isPipeName = false;
  #isValue = false;

  constructor(private readonly text: string) {}

  get isDone(): boolean {
    return this.at >= this.text.length;
  }

  /** Reads a piece, at least one character. */
  next(): Kind | null {
    if (this.#takes(BLANK)) {
      this.#isValue = false;
      return null;
    }
    if (this.#takes(PIPE)) {
      this.#isPiped = this.#isPipeName = true;
      this.#isValue = false;
      return 'operator';
    }
    if (this.#isPipeName) {
      this.#isPipeName = false;
      if (this.#takes(PIPE_NAME)) return 'pipe';
    }
    const kind = this.#isValue ? this.#value() : this.#term();
    if (kind === null) this.at += 1;
    return kind;
  }

  #value(): Kind | null {
    if (this.#takes(QUOTED)) return 'value';
    if (this.#takes(COMPARISON)) return 'operator';
    if (this.#takes(REGEX_VALUE)) return 'regex';
    return this.#takes(VALUE) ? 'value' : null;
  }

  #term(): Kind | null {
    if (this.#takes(FIELD)) return 'field';
    if (this.#takes(QUOTED)) return 'text';
    if (this.#takes(COLON)) {
      this.#isValue = true;
      return 'operator';
    }
    if (this.#takes(WORD)) return 'operator';
    if (!this.#isPiped && this.#takes(SIGN)) return 'operator';
    if (this.#takes(REGEX)) return 'regex';
    if (!this.#isPiped) return this.#takes(BRACKET) ? 'operator' : this.#takes(TEXT) ? 'text' : null;
    if (this.#takes(FUNCTION)) return 'function';
    if (this.#takes(NUMBER)) return 'number';
    if (this.#takes(SYMBOL)) return 'operator';
    return this.#takes(COLUMN) ? 'field' : null;
  }

  #takes(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }
}
