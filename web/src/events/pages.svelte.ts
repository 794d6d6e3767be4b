/* The events of a question, page by page as one scrolls. What is far from sight is forgotten and asked for again when
   it comes near: memory stays bounded however far one goes. */

import { pageOf, type Page } from '../api/events';
import { asProblem, isAbort, type Problem } from '../api/http';
import type { Answer, LogEvent } from '../api/shapes';
import type { Asked } from '../search/search.svelte';

interface Held {
  cursor: string | null;
  first: number;
  count: number;
  limit: number;
  characters: number;
  /** Null: forgotten. */
  events: LogEvent[] | null;
}

type Ask = (cursor: string | null, limit: number, signal: AbortSignal) => Promise<Page>;

const FIRST_PAGE = 100;
const PAGE = 500;
/** With pipes there are no further pages: all that is shown comes at once. */
const PIPED = 2000;
/** About what a page may have, and all pages together. */
const PAGE_CHARACTERS = 4_000_000;
const MOST_CHARACTERS = 60_000_000;
/** Asked for before they are needed. */
const AHEAD = 200;

export class EventPages {
  /** How many are known; they stand at 0…count-1, the newest first. */
  count = $state(0);
  /** Of the first page: how complete it is, why there is nothing. */
  answer = $state.raw<Answer | null>(null);
  problem = $state.raw<Problem | null>(null);
  isLoading = $state(false);
  isEnd = $state(false);
  /** Raised when events come or go. */
  version = $state(0);
  #pages: Held[] = [];
  #next: string | null = null;
  #stop = new AbortController();
  #ask: Ask;
  #firstLimit: number;

  constructor(asked: Asked, ask?: Ask) {
    this.#ask = ask ?? ((cursor, limit, signal) => pageOf(asked.query, asked, limit, cursor, signal));
    this.#firstLimit = asked.check.pipes.length > 0 ? PIPED : FIRST_PAGE;
  }

  at(index: number): LogEvent | null {
    void this.version;
    const page = this.#pageOf(index);
    return page?.events?.[index - page.first] ?? null;
  }

  /** Where an event that is in memory stands; -1 if it is not. */
  indexOf(id: string): number {
    for (const page of this.#pages) {
      const at = page.events?.findIndex((event) => event.id === id) ?? -1;
      if (at >= 0) return page.first + at;
    }
    return -1;
  }

  /** What is seen now: asks for what is missing there or will be next, one page at a time. */
  async need(from: number, to: number): Promise<void> {
    while (!this.isLoading && this.problem === null && !this.#stop.signal.aborted) {
      const gone = this.#pages.find(
        (page) => page.events === null && page.first <= to && page.first + page.count > from,
      );
      if (gone === undefined && (this.isEnd || to < this.count - AHEAD)) return;
      await this.#load(gone ?? null, from);
    }
  }

  /** After a problem: go on. */
  retry(): void {
    this.problem = null;
    void this.need(0, 0);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #load(gone: Held | null, near: number): Promise<void> {
    this.isLoading = true;
    const cursor = gone ? gone.cursor : this.#next;
    const limit = gone ? gone.limit : this.#limit();
    try {
      const { answer, characters } = await this.#ask(cursor, limit, this.#stop.signal);
      const events = answer.events ?? [];
      if (gone) {
        gone.events = events;
      } else {
        this.#pages.push({ cursor, limit, first: this.count, count: events.length, characters, events });
        this.count += events.length;
        this.#next = answer.next ?? null;
        this.isEnd = this.#next === null || events.length === 0;
        this.answer ??= answer;
      }
      this.#forget(near);
      this.version += 1;
    } catch (error) {
      if (!isAbort(error)) this.problem = asProblem(error);
    } finally {
      this.isLoading = false;
    }
  }

  /** Fewer where events are long. */
  #limit(): number {
    const last = this.#pages.at(-1);
    if (last === undefined || last.count === 0) return this.#firstLimit;
    return Math.max(5, Math.min(PAGE, Math.floor((PAGE_CHARACTERS * last.count) / last.characters)));
  }

  /** The pages farthest from what is seen, while there is too much. */
  #forget(near: number): void {
    const held = this.#pages.filter((page) => page.events !== null);
    let sum = held.reduce((all, page) => all + page.characters, 0);
    const here = this.#pageOf(near);
    held.sort((a, b) => Math.abs(b.first - near) - Math.abs(a.first - near));
    for (const page of held) {
      if (sum <= MOST_CHARACTERS) return;
      // The newest of the pages was just asked for.
      if (page === here || page === this.#pages.at(-1)) continue;
      page.events = null;
      sum -= page.characters;
    }
  }

  #pageOf(index: number): Held | undefined {
    let [low, high] = [0, this.#pages.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#pages[middle]?.first ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return this.#pages[low];
  }
}
