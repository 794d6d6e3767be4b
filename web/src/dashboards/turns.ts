/* At most so many at once; the others wait in the order in which they came. */

export class Turns {
  #free: number;
  #waiting: (() => void)[] = [];
  #idle: (() => void)[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
    this.#free = most;
  }

  /** Run `work` when it is its turn. Who gives up while waiting (AbortError) takes no turn. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  /** Nothing runs or waits. */
  get isIdle(): boolean {
    return this.#free === this.#most;
  }

  /** Returns when nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.isIdle) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((each) => each !== begin);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(begin);
    });
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    this.#free += 1;
    if (this.isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
