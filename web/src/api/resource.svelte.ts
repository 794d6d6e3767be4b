/* Something asked of the server: what it last was, whether it is being asked anew, and what went wrong. */

import { asProblem, isAbort, type Problem } from './http';

let underway = 0;

/** Whether any answer is on its way. Not to be watched, only to be asked. */
export function isUnderway(): boolean {
  return underway > 0;
}

export class Resource<T> {
  /** The last good answer; it stays while the next one is on its way, and when that fails. */
  value = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  isLoading = $state(false);
  #stop: AbortController | null = null;

  /** Ask; what was being asked before is given up. Returns the answer, or null when it failed or was given up. */
  async load(call: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    this.#stop?.abort();
    const stop = new AbortController();
    this.#stop = stop;
    this.isLoading = true;
    underway += 1;
    try {
      const value = await call(stop.signal);
      if (this.#stop !== stop) return null;
      this.value = value;
      this.problem = null;
      return value;
    } catch (error) {
      if (this.#stop === stop && !isAbort(error)) this.problem = asProblem(error);
      return null;
    } finally {
      underway -= 1;
      if (this.#stop === stop) this.isLoading = false;
    }
  }

  /** Give up what is being asked. */
  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
    this.isLoading = false;
  }

  /** As new. */
  clear(): void {
    this.stop();
    this.value = null;
    this.problem = null;
  }
}
