import { afterEach, expect, test, vi } from 'vitest';
import { ask, show } from './http';

afterEach(() => vi.unstubAllGlobals());

function answering(status: number): { answer: () => void } {
  let answer = (): void => undefined;
  vi.stubGlobal(
    'fetch',
    () => new Promise((resolve) => (answer = () => resolve(new Response('{}', { status })))),
  );
  return { answer: () => answer() };
}

test('who is refused hears of it', async () => {
  const refused = vi.fn();
  show('one', refused);
  const server = answering(401);
  const asked = ask('whoami');
  server.answer();
  await expect(asked).rejects.toThrow();
  expect(refused).toHaveBeenCalledOnce();
});

test('what is said of an older key does not sign the new one out', async () => {
  const refused = vi.fn();
  show('old', refused);
  const server = answering(401);
  const asked = ask('query');
  show('new', refused);
  server.answer();
  await expect(asked).rejects.toThrow();
  expect(refused).not.toHaveBeenCalled();
});
