import { expect, test } from 'vitest';
import { Gate } from './gate';

const never = new AbortController().signal;

test('no more than so many work at once, and all have their turn', async () => {
  const gate = new Gate(2);
  let busy = 0;
  let most = 0;
  const work = async () => {
    busy += 1;
    most = Math.max(most, busy);
    await Promise.resolve();
    busy -= 1;
    return 1;
  };
  const done = await Promise.all(Array.from({ length: 9 }, () => gate.pass(never, work)));
  expect(done).toHaveLength(9);
  expect(most).toBe(2);
});

test('one that was given up makes room, and so does one that fails', async () => {
  const gate = new Gate(1);
  await expect(gate.pass(AbortSignal.abort(), () => Promise.resolve(1))).rejects.toThrow();
  await expect(gate.pass(never, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await gate.pass(never, () => Promise.resolve(2))).toBe(2);
});
