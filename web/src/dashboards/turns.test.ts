import { expect, test } from 'vitest';
import { Turns } from './turns';

/** Work that ends when it is told to, and counts how much of it runs. */
function bench() {
  const ends: (() => void)[] = [];
  const began: string[] = [];
  const work = (name: string) => (): Promise<string> => {
    began.push(name);
    return new Promise((resolve) => ends.push(() => resolve(name)));
  };
  return { ends, began, work };
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const never = new AbortController().signal;

test('no more than so many run at once, in the order in which they came', async () => {
  const { ends, began, work } = bench();
  const turns = new Turns(2);
  const all = ['a', 'b', 'c', 'd'].map((name) => turns.run(work(name), never));
  await settled();
  expect(began).toEqual(['a', 'b']);
  ends[1]?.();
  await settled();
  expect(began).toEqual(['a', 'b', 'c']);
  ends[0]?.();
  await settled();
  ends[2]?.();
  ends[3]?.();
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
});

test('who gives up while waiting takes no turn', async () => {
  const { ends, began, work } = bench();
  const turns = new Turns(1);
  const stop = new AbortController();
  const first = turns.run(work('a'), never);
  const second = turns.run(work('b'), stop.signal);
  const third = turns.run(work('c'), never);
  stop.abort();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  ends[0]?.();
  await first;
  await settled();
  expect(began).toEqual(['a', 'c']);
  ends[1]?.();
  await third;
});

test('who has given up before does not begin', async () => {
  const { began, work } = bench();
  await expect(new Turns(1).run(work('a'), AbortSignal.abort())).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(began).toEqual([]);
});

test('work that fails passes its turn on', async () => {
  const turns = new Turns(1);
  await expect(turns.run(() => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
  expect(await turns.run(() => Promise.resolve('next'), never)).toBe('next');
});

test('idle is when nothing runs or waits', async () => {
  const { ends, work } = bench();
  const turns = new Turns(1);
  await turns.idle();
  expect(turns.isIdle).toBe(true);
  const all = [turns.run(work('a'), never), turns.run(work('b'), never)];
  let isIdle = false;
  const idle = turns.idle().then(() => (isIdle = true));
  await settled();
  ends[0]?.();
  await settled();
  expect(isIdle).toBe(false);
  expect(turns.isIdle).toBe(false);
  ends[1]?.();
  await Promise.all(all);
  await idle;
  expect(isIdle).toBe(true);
});
