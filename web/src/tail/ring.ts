/* The newest so many, oldest first: what comes in when it is full takes the place of the oldest. */

export class Ring<T> {
  #items: (T | undefined)[];
  #first = 0;
  #count = 0;

  constructor(readonly size: number) {
    this.#items = new Array<T | undefined>(size);
  }

  get length(): number {
    return this.#count;
  }

  /** What had to make room, or undefined. */
  push(item: T): T | undefined {
    const at = (this.#first + this.#count) % this.size;
    const old = this.#items[at];
    this.#items[at] = item;
    if (this.#count < this.size) {
      this.#count += 1;
      return undefined;
    }
    this.#first = (this.#first + 1) % this.size;
    return old;
  }

  toArray(): T[] {
    const tail = this.#items.slice(this.#first, this.#first + this.#count);
    const head = this.#items.slice(0, Math.max(0, this.#first + this.#count - this.size));
    return [...tail, ...head] as T[];
  }

  clear(): void {
    this.#items = new Array<T | undefined>(this.size);
    this.#first = 0;
    this.#count = 0;
  }
}
