import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watch } from './tail';

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a server that says nothing for long is gone', async () => {
  let say = (_: string): void => undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (control) => (say = (text) => control.enqueue(new TextEncoder().encode(text))),
  });
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body)));
  let isOver = false;
  const heard: string[] = [];
  void watch({ query: '', after: null, history: 0 }, new AbortController().signal, (told) =>
    heard.push(...told.map((each) => each.kind)),
  ).then(() => (isOver = true));
  for (let alive = 0; alive < 4; alive += 1) {
    await vi.advanceTimersByTimeAsync(15_000);
    say('event: alive\ndata: {}\n\n');
  }
  say('event: live\ndata: {}\n\n');
  await vi.advanceTimersByTimeAsync(30_000);
  expect(heard).toEqual(['live']);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(isOver).toBe(true);
});
