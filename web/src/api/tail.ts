/* Watching: server-sent events, read through fetch so that the key goes along as a header. */

import { fetched } from './http';
import { SseParser } from './sse';
import type { LogEvent } from './shapes';

/** The server says every 15 s that it is there: longer, and the connection is gone. */
const SILENCE_MS = 40_000;

export type Told =
  | { kind: 'event'; event: LogEvent }
  | { kind: 'live' }
  /** So many events are not told here; null: nobody knows how many. */
  | { kind: 'missed'; events: number | null };

export interface Watch {
  query: string;
  /** A position that was heard: what was stored since is told first. */
  after: string | null;
  /** Stored events to begin with, where there is no position. */
  history: number;
}

/** Calls `hear` with what each chunk of the stream tells, and the latest position or null. Returns when the server
 * closes the stream, or is silent. Throws Problem, and the signal's AbortError. */
export async function watch(
  what: Watch,
  signal: AbortSignal,
  hear: (told: Told[], position: string | null) => void,
): Promise<void> {
  const response = await fetched('tail', {
    params:
      what.after === null
        ? { query: what.query, history: what.history }
        : { query: what.query, after: what.after },
    accept: 'text/event-stream',
    signal,
  });
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  const parser = new SseParser();
  for (;;) {
    const waiting = setTimeout(() => void reader.cancel(), SILENCE_MS);
    const { done, value } = await reader.read();
    clearTimeout(waiting);
    if (done) return;
    const messages = parser.push(decoder.decode(value, { stream: true }));
    const told: Told[] = [];
    for (const { event, data } of messages) {
      if (event === 'event') told.push({ kind: 'event', event: JSON.parse(data) as LogEvent });
      else if (event === 'live') told.push({ kind: 'live' });
      else if (event === 'missed')
        told.push({ kind: 'missed', ...(JSON.parse(data) as { events: number | null }) });
    }
    hear(told, parser.lastId);
  }
}
