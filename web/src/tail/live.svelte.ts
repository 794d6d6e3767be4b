/* A live tail: what came, what is shown of it, and how it goes. What comes is drawn once a frame, however much it is;
   while it is paused, what is shown stands still, and the newest are kept for later. */

import { asProblem, isAbort, type Problem } from '../api/http';
import type { LogEvent } from '../api/shapes';
import { watch, type Told } from '../api/tail';
import { Rate } from './rate';
import { Ring } from './ring';

export type Line =
  { kind: 'event'; key: number; event: LogEvent } | { kind: 'missed'; key: number; events: number | null };

const KEPT = 5000;
const HISTORY = 100;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const TICK_MS = 500;

export class LiveTail {
  lines = $state.raw<readonly Line[]>([]);
  standing = $state<'connecting' | 'live' | 'lost'>('connecting');
  isPaused = $state(false);
  /** Events since it was paused. */
  waiting = $state(0);
  perSecond = $state(0);
  /** Events that were not told, in all. */
  missed = $state(0);
  /** Some were not told of which nobody knows how many. */
  hasGaps = $state(false);
  problem = $state.raw<Problem | null>(null);
  #ring = new Ring<Line>(KEPT);
  #known = new Set<string>();
  #rate = new Rate();
  #position: string | null = null;
  #key = 0;
  #frame = 0;

  /** Watch until the returned function is called. */
  begin(query: string): () => void {
    const stop = new AbortController();
    const ticking = setInterval(() => (this.perSecond = this.#rate.perSecond(Date.now())), TICK_MS);
    this.clear();
    this.isPaused = false;
    this.standing = 'connecting';
    this.problem = null;
    this.#position = null;
    void this.#run(query, stop.signal);
    return () => {
      stop.abort();
      clearInterval(ticking);
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
    };
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.waiting = 0;
    this.#draw();
  }

  clear(): void {
    this.#ring.clear();
    this.#known.clear();
    this.lines = [];
    this.waiting = 0;
    this.missed = 0;
    this.hasGaps = false;
  }

  async #run(query: string, signal: AbortSignal): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        await watch({ query, after: this.#position, history: HISTORY }, signal, (told, position) => {
          if (signal.aborted) return;
          waitMs = FIRST_WAIT_MS;
          this.#hear(told);
          this.#position = position ?? this.#position;
        });
        this.problem = null;
      } catch (error) {
        if (isAbort(error) || signal.aborted) return;
        this.problem = asProblem(error);
        // What is asked is wrong: asking again does not mend it.
        if (this.problem.status >= 400 && this.problem.status < 500 && this.problem.status !== 429) {
          this.standing = 'lost';
          return;
        }
      }
      if (signal.aborted) return;
      this.standing = 'lost';
      await pause(Math.max(waitMs, (this.problem?.retryAfterS ?? 0) * 1000), signal);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  #hear(told: readonly Told[]): void {
    let events = 0;
    for (const each of told) {
      if (each.kind === 'live') {
        // What came before is history, which has no rate.
        if (this.standing !== 'live') events = 0;
        this.standing = 'live';
        this.problem = null;
      } else if (each.kind === 'missed') {
        this.missed += each.events ?? 0;
        this.hasGaps ||= each.events === null;
        this.#keep({ kind: 'missed', key: ++this.#key, events: each.events });
      } else if (!this.#known.has(each.event.id)) {
        this.#known.add(each.event.id);
        this.#keep({ kind: 'event', key: ++this.#key, event: each.event });
        events += 1;
      }
    }
    if (this.standing === 'live') this.#rate.add(events, Date.now());
    if (this.isPaused) this.waiting += events;
    else if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #keep(line: Line): void {
    const old = this.#ring.push(line);
    if (old?.kind === 'event') this.#known.delete(old.event.id);
  }

  #draw(): void {
    this.#frame = 0;
    if (!this.isPaused) this.lines = this.#ring.toArray();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
