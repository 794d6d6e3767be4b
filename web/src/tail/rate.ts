/* How many a second, over the last seconds. */

const SECONDS = 5;

export class Rate {
  #buckets: { second: number; count: number }[] = [];

  add(count: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const last = this.#buckets.at(-1);
    if (last?.second === second) last.count += count;
    else this.#buckets.push({ second, count });
    if (this.#buckets.length > SECONDS + 1) this.#buckets.shift();
  }

  /** Of the whole seconds before this one, so that it does not jitter. */
  perSecond(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    const since = this.#buckets.filter((each) => each.second >= second - SECONDS && each.second < second);
    const sum = since.reduce((total, each) => total + each.count, 0);
    return sum / SECONDS;
  }
}
