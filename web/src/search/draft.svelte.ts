/* The query as it is being written: beside what was asked, until it is asked itself. */

import { check } from '../api/search';
import { isAbort, Problem } from '../api/http';
import { faultIn, isUnfinished } from './faults';
import { pastQueries, Walk } from './past';
import { search } from './search.svelte';

const PAUSE_MS = 400;

export class Draft {
  text = $state(search.query);
  cursor = $state(search.query.length);
  isFocused = $state(false);
  #found = $state.raw<{ text: string; problem: Problem } | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #checking: AbortController | null = null;
  #walk: Walk | null = null;

  /** What is wrong with the text, as far as it is time to say so. */
  problem = $derived.by<Problem | null>(() => {
    const asked = search.problem;
    if (asked?.type === 'bad_query' && this.text === search.query) return asked;
    if (this.#found === null || this.#found.text !== this.text) return null;
    const fault = faultIn(this.text, this.#found.problem);
    const isBusy = this.isFocused && fault !== null && isUnfinished(this.text, fault, this.cursor);
    return isBusy ? null : this.#found.problem;
  });

  /** Where. */
  place = $derived(this.problem === null ? null : faultIn(this.text, this.problem));

  /** Somebody writes. */
  changed(text: string, cursor: number): void {
    this.cursor = cursor;
    if (text === this.text) return;
    this.text = text;
    if (this.#walk?.isAt(text) === false) this.#walk = null;
    this.#stop();
    if (text.trim() !== '') this.#timer = setTimeout(() => void this.#check(text), PAUSE_MS);
  }

  ask(): void {
    this.#stop();
    this.#walk = null;
    search.setQuery(this.text);
  }

  /** Into the past (1) or back (-1), where nothing that is not asked yet would be lost. */
  walk(step: 1 | -1): boolean {
    if (this.#walk === null) {
      if (step === -1 || (this.text.trim() !== '' && this.text !== search.query)) return false;
      this.#walk = new Walk(pastQueries(), this.text);
    }
    const text = this.#walk.step(step);
    if (text === null) return false;
    this.text = text;
    return true;
  }

  close(): void {
    this.#stop();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#checking?.abort();
    this.#checking = null;
  }

  async #check(text: string): Promise<void> {
    const checking = new AbortController();
    this.#checking = checking;
    try {
      await check(text, checking.signal);
      this.#found = null;
    } catch (error) {
      // That the server cannot be asked is said when it is asked.
      if (isAbort(error) || !(error instanceof Problem) || error.type !== 'bad_query') return;
      this.#found = { text, problem: error };
    }
  }
}
