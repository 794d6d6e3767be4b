/* The question that the search view is about. The address says it; `asked` is it, put to the server. Panels take
   `asked` and load what they show of it whenever it changes. */

import { asProblem, isAbort, Problem } from '../api/http';
import { check, refine, type Clause } from '../api/search';
import type { Checked } from '../api/shapes';
import { address } from '../state/address.svelte';
import { notices } from '../state/notices.svelte';
import { session } from '../state/session.svelte';
import { momentMs, rfc3339 } from '../text/times';

export type Tab = 'events' | 'patterns' | 'explain' | 'live';
const TABS: readonly Tab[] = ['events', 'patterns', 'explain', 'live'];

/** A question, at the moment at which it was put: every panel shows the same span of time. */
export interface Asked {
  /** All of the text. */
  readonly query: string;
  /** Its search line, without pipes. */
  readonly line: string;
  readonly check: Checked;
  /** RFC 3339; "" is without bound. */
  readonly start: string;
  readonly end: string;
  readonly startMs: number | null;
  readonly endMs: number;
  /** Put by itself, as time went on: whoever reads what was found is not to be disturbed. */
  readonly isByItself: boolean;
}

const DEFAULT_START = '-1h';
const ALL = 'all';
/** Until a server that was away is asked again. */
const AGAIN_MS = 2000;
/** Beyond it dates are none. */
const MOST_MS = 8e15;

class Search {
  asked = $state.raw<Asked | null>(null);
  /** Why the query cannot be put. */
  problem = $state.raw<Problem | null>(null);
  isChecking = $state(false);
  #asking: AbortController | null = null;
  #refining = Promise.resolve();
  #again: ReturnType<typeof setTimeout> | undefined;

  get query(): string {
    return address.get('query');
  }

  /** As the API takes it, "" for all time. */
  get start(): string {
    const text = address.get('start');
    return text === ALL ? '' : text || (address.get('end') === '' ? DEFAULT_START : '');
  }

  get end(): string {
    return address.get('end');
  }

  get tab(): Tab {
    const named = address.get('tab') as Tab;
    return TABS.includes(named) ? named : 'events';
  }

  /** Fields shown as columns. */
  get columns(): string[] {
    return address.params.getAll('column');
  }

  /** Of the event that is looked at; "" for none. */
  get event(): string {
    return address.get('event');
  }

  /** Seconds between two askings by itself; 0 for never. */
  get refreshS(): number {
    return Number(address.get('refresh')) || 0;
  }

  setColumns(columns: readonly string[]): void {
    address.setAll('column', columns);
  }

  setTab(tab: Tab): void {
    address.change({ tab: tab === 'events' ? null : tab });
  }

  setQuery(query: string): void {
    if (query === this.query) void this.ask();
    else address.change({ query, event: null });
  }

  /** `start` "" is all time. */
  setSpan(start: string, end: string): void {
    const others = { event: null, from: null, to: null, baseline: null };
    address.change({ start: start === '' && end === '' ? ALL : start, end, ...others });
  }

  /** Put a clause into the search line, or take what it finds out of it; one after the other. */
  refine(clause: Clause, how: 'include' | 'exclude' | 'only'): Promise<void> {
    this.#refining = this.#refining.then(() => this.#refine(clause, how));
    return this.#refining;
  }

  async #refine(clause: Clause, how: 'include' | 'exclude' | 'only'): Promise<void> {
    const [query, path] = [this.query, address.path];
    try {
      const refined = await refine(query, clause, how);
      // Somebody may have gone on, or elsewhere, meanwhile.
      if (address.path === path && this.query === query) this.setQuery(refined);
    } catch (error) {
      if (!isAbort(error)) notices.warn(asProblem(error));
    }
  }

  /** Put the question that the address says, as of now. */
  async ask({ isByItself = false } = {}): Promise<void> {
    const { query, start, end } = this;
    clearTimeout(this.#again);
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.isChecking = true;
    try {
      const checked = await check(query, asking.signal);
      if (this.#asking !== asking) return;
      const nowMs = session.nowMs();
      const startMs = moment(start, nowMs);
      const endMs = moment(end, nowMs);
      this.problem = null;
      this.asked = {
        query,
        line: [...query].slice(0, checked.query_end).join(''),
        check: checked,
        start: startMs === null ? '' : rfc3339(startMs),
        end: endMs === null ? '' : rfc3339(endMs),
        startMs,
        endMs: endMs ?? nowMs,
        isByItself,
      };
    } catch (error) {
      if (this.#asking !== asking || isAbort(error)) return;
      this.problem = asProblem(error);
      if (this.problem.type === 'unreachable') {
        const path = address.path;
        this.#again = setTimeout(() => address.path === path && void this.ask({ isByItself }), AGAIN_MS);
      }
    } finally {
      if (this.#asking === asking) this.isChecking = false;
    }
  }
}

/** Throws Problem for what is no time. */
function moment(text: string, nowMs: number): number | null {
  const found = momentMs(text, nowMs);
  if (found === null ? text === '' : Math.abs(found) < MOST_MS) return found;
  throw new Problem(
    400,
    'bad_time',
    `The address asks for "${text.slice(0, 40)}", which is no time.`,
    'Pick a time range, or write times as "-15m" or "2026-11-26T08:00:00Z".',
  );
}

export const search = new Search();
