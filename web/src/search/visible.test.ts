import { expect, test } from 'vitest';
import { shownText } from './visible';

test('what does not show is named', () => {
  expect(shownText('a\nb\tc\u001b[1m')).toBe('a⏎b⇥c\\u001b[1m');
  expect(shownText('user\u202egnp.exe')).toBe('user\\u202egnp.exe');
});

test('what is long is clipped', () => {
  expect(shownText('x'.repeat(300))).toHaveLength(201);
});
