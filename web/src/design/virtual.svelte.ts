/* A long list of which only what is seen is in the document: @tanstack/virtual-core, told in runes. */

import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualItem,
} from '@tanstack/virtual-core';
import { untrack } from 'svelte';

export interface Wanted {
  count: number;
  /** Of a row that was not measured yet, px. */
  estimate: (index: number) => number;
  /** Of what stands above the rows and stays in sight, px. */
  head?: number;
}

const OVERSCAN = 12;

/** `{@attach rows.scroller}` on what scrolls, `{@attach rows.measured}` on each row that may grow, with `data-index`. */
export class VirtualRows {
  items = $state.raw<VirtualItem[]>([]);
  totalPx = $state(0);
  /** First and last that are in sight. */
  range = $state.raw<{ startIndex: number; endIndex: number } | null>(null);
  #list: Virtualizer<HTMLElement, HTMLElement> | null = null;
  #wanted: () => Wanted;

  constructor(wanted: () => Wanted) {
    this.#wanted = wanted;
  }

  readonly scroller = (element: HTMLElement): (() => void) => {
    const list = new Virtualizer<HTMLElement, HTMLElement>({
      count: 0,
      estimateSize: () => 24,
      getScrollElement: () => element,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      overscan: OVERSCAN,
      onChange: () => this.#show(),
    });
    this.#list = list;
    const forget = list._didMount();
    $effect(() => {
      const { count, estimate, head = 0 } = this.#wanted();
      untrack(() => {
        list.setOptions({ ...list.options, count, estimateSize: estimate, scrollPaddingStart: head });
        list._willUpdate();
        this.#show();
      });
    });
    return () => {
      forget();
      this.#list = null;
    };
  };

  readonly measured = (element: HTMLElement): (() => void) => {
    untrack(() => this.#list?.measureElement(element));
    return () => this.#list?.measureElement(null);
  };

  /** Heights are not what they were. */
  forget(): void {
    this.#list?.measure();
  }

  scrollTo(index: number, align: 'auto' | 'start' | 'center' | 'end' = 'auto'): void {
    this.#list?.scrollToIndex(index, { align });
  }

  #show(): void {
    const list = this.#list;
    if (list === null) return;
    this.items = list.getVirtualItems();
    this.totalPx = list.getTotalSize();
    this.range = list.range;
  }
}
