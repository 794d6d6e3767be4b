/* Queries asked before, the latest first: kept in the browser, so many and no longer. */

import { keep, kept } from '../state/kept';

const MOST = 50;
const LONGEST = 2000;

export function pastQueries(): string[] {
  const found = kept<unknown>('past', []);
  return Array.isArray(found) ? found.filter((each): each is string => typeof each === 'string') : [];
}

export function remember(query: string): void {
  keep('past', withQuery(pastQueries(), query));
}

export function forgetPast(): void {
  keep('past', null);
}

/** A query once, in front. */
export function withQuery(past: readonly string[], query: string): string[] {
  const text = query.trim();
  if (text === '' || text.length > LONGEST) return [...past];
  return [text, ...past.filter((each) => each !== text)].slice(0, MOST);
}

/** A walk through the past from what is written now: `step` 1 is older, -1 newer. */
export class Walk {
  #at = -1;
  #shown: string;

  constructor(
    private readonly past: readonly string[],
    private readonly written: string,
  ) {
    this.#shown = written;
  }

  /** Whether what is in the line is what the walk has put there. */
  isAt(text: string): boolean {
    return text === this.#shown;
  }

  /** The text to show, null where the walk ends. */
  step(step: 1 | -1): string | null {
    let at = this.#at + step;
    // What is written already is no step.
    while (at >= 0 && this.past[at] !== undefined && this.past[at] === this.#shown) at += step;
    if (at < -1 || at >= this.past.length) return null;
    this.#at = at;
    this.#shown = at === -1 ? this.written : (this.past[at] ?? this.written);
    return this.#shown;
  }
}
