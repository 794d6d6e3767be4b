import { expect, test } from 'vitest';
import { nameFor, nameTrouble, pathTo } from './names';

test('a title becomes a name that is not taken', () => {
  expect(nameFor('Card payments (EU)', [])).toBe('card-payments-eu');
  expect(nameFor('Überblick', [])).toBe('uberblick');
  expect(nameFor('Shop', ['shop', 'shop-2'])).toBe('shop-3');
  expect(nameFor('日本', [])).toBe('dashboard');
  expect(nameTrouble(nameFor('x'.repeat(300), []))).toBeNull();
});

test('names are what the server takes', () => {
  expect(nameTrouble('My shop_2.0')).toBeNull();
  expect(nameTrouble('')).toMatch(/has a name/);
  for (const name of ['-a', 'a/b', 'ü', 'a'.repeat(101), '<b>']) expect(nameTrouble(name)).toMatch(/^Use/);
  expect(pathTo('My shop')).toBe('/dashboards/My%20shop');
});
