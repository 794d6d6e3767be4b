/* What the sidebar remembers in this browser: pinned and opened fields, its width, whether it is there. */

import { keep, kept } from '../state/kept';

export const MIN_WIDTH = 200;
export const MAX_WIDTH = 560;
const WIDTH = 280;

interface Kept {
  pinned: string[];
  opened: string[];
  width: number;
  isOpen: boolean;
}

class Sidebar {
  #kept = $state.raw<Kept>({
    pinned: ['level', 'service'],
    opened: [],
    width: WIDTH,
    isOpen: true,
    ...kept<Partial<Kept>>('fields', {}),
  });
  /** On narrow screens it is a drawer, which is shut until somebody opens it. */
  isDrawn = $state(false);

  get pinned(): readonly string[] {
    return this.#kept.pinned;
  }

  get width(): number {
    return this.#kept.width;
  }

  get isOpen(): boolean {
    return this.#kept.isOpen;
  }

  isShown(name: string): boolean {
    return this.#kept.opened.includes(name);
  }

  pin(name: string): void {
    this.#change({ pinned: toggled(this.#kept.pinned, name) });
  }

  toggle(name: string): void {
    this.#change({ opened: toggled(this.#kept.opened, name).slice(-100) });
  }

  setOpen(isOpen: boolean): void {
    this.#change({ isOpen });
  }

  setWidth(width: number): void {
    this.#change({ width: Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width))) });
  }

  #change(changes: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...changes };
    keep('fields', this.#kept);
  }
}

function toggled(names: readonly string[], name: string): string[] {
  return names.includes(name) ? names.filter((each) => each !== name) : [...names, name];
}

export const sidebar = new Sidebar();
