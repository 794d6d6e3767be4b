/* A span chosen in the chart, and what can be done with it. */

import { search } from '../search/search.svelte';
import { address } from '../state/address.svelte';
import { rfc3339 } from '../text/times';
import { binSpan, type Bins } from './bins';
import { high, low, type Selection } from './selection';

export class Brush {
  selection = $state.raw<Selection | null>(null);
  #bins: Bins | null = null;

  /** What there is to choose from; a choice of others is no more. */
  of(bins: Bins | null): void {
    const isSame =
      this.#bins !== null &&
      bins !== null &&
      this.#bins.startMs === bins.startMs &&
      this.#bins.spanMs === bins.spanMs &&
      this.#bins.count === bins.count;
    this.#bins = bins;
    if (!isSame) this.selection = null;
  }

  select(selection: Selection | null): void {
    this.selection = selection;
  }

  /** Of time, as the address has it. */
  get span(): { from: string; to: string } | null {
    if (this.#bins === null || this.selection === null) return null;
    const { fromMs, toMs } = binSpan(this.#bins, low(this.selection), high(this.selection));
    return { from: rfc3339(fromMs), to: rfc3339(toMs) };
  }

  zoom(): void {
    const span = this.span;
    if (span !== null) search.setSpan(span.from, span.to);
  }

  /** What differs in it: the tab that tells takes the span from the address. */
  explain(): void {
    const span = this.span;
    if (span !== null) address.change({ tab: 'explain', ...span });
  }
}
