import { expect, test } from 'vitest';

const FILES = import.meta.glob<string>('../**/*.svelte', { query: '?raw', import: 'default', eager: true });
const OFFERS = import.meta.glob<string>('../**/*.ts', { query: '?raw', import: 'default', eager: true });

test('no two parts of the search, its events or what is everywhere offer the same key', () => {
  const offered = Object.values({ ...FILES, ...OFFERS }).flatMap((text) =>
    [...text.matchAll(/keys: '([^']+)',\s*does: [^\n]*?,?\s*group: '(Search|Events|Everywhere)'/g)].map(
      (found) => found[1] ?? '',
    ),
  );
  expect(offered.length).toBeGreaterThan(10);
  expect(offered.filter((key, at) => offered.indexOf(key) !== at)).toEqual([]);
});
