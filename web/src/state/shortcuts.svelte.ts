/* Keys that do things. Whoever offers one says what it does, so that the sheet behind `?` tells the truth. */

import { untrack } from 'svelte';

export interface Shortcut {
  /** As `KeyboardEvent.key` names it; "g s" is one after the other. */
  keys: string;
  does: string;
  group: 'Everywhere' | 'Search' | 'Events' | 'Tail' | 'Dashboards';
  run: () => void;
  /** Also while somebody types. */
  inText?: boolean;
}

const PAUSE_MS = 1000;

class Shortcuts {
  all = $state.raw<readonly Shortcut[]>([]);
  #before = '';
  #at = 0;

  constructor() {
    addEventListener('keydown', (event) => this.#heard(event));
  }

  /** Offer some until the returned function is called; made for `$effect(() => shortcuts.offer([…]))`. */
  offer(some: readonly Shortcut[]): () => void {
    // Offering is no reason to offer again.
    this.all = [...untrack(() => this.all), ...some];
    return () => {
      this.all = this.all.filter((each) => !some.includes(each));
    };
  }

  #heard(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyped = typesInto(event.composedPath()[0]);
    // The space bar presses the button that has the focus.
    if (event.key === ' ' && (event.target as Element).closest('button, a, summary, [role="button"]')) return;
    // A dialog has keys of its own.
    if (document.querySelector('dialog[open]') !== null) return;
    const now = performance.now();
    const both =
      now - this.#at < PAUSE_MS && this.#before !== '' ? `${this.#before} ${event.key}` : event.key;
    const found =
      this.all.findLast((each) => each.keys === both && (!isTyped || each.inText)) ??
      this.all.findLast((each) => each.keys === event.key && (!isTyped || each.inText));
    this.#before = found || isTyped ? '' : event.key;
    this.#at = now;
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  }
}

function typesInto(target: EventTarget | undefined): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      ['TEXTAREA', 'SELECT'].includes(target.tagName) ||
      (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type)))
  );
}

export const shortcuts = new Shortcuts();
