import { expect, test } from 'vitest';
import { editable, editOf, eventText, hexDump } from './mending';

test('an event is laid out for editing, and sent on one line', () => {
  const shown = editable('{"a":1,"b":"x y"}');
  expect(shown).toBe('{\n  "a": 1,\n  "b": "x y"\n}');
  expect(JSON.parse(eventText(shown))).toEqual({ a: 1, b: 'x y' });
  expect(eventText(shown)).not.toContain('\n');
});

test('numbers that a browser cannot hold stay as they were written', () => {
  const body = '{"n":12345678901234567890}';
  expect(editable(body)).toBe(body);
  expect(eventText(body)).toBe(body);
});

test('what is no JSON object is said before it is sent', () => {
  expect(editable('{broken')).toBe('{broken');
  expect(() => eventText('{broken')).toThrow(SyntaxError);
  expect(() => eventText('[1]')).toThrow('an event is a JSON object');
});

test('changes of fields are read line by line', () => {
  expect(editOf({ rename: '', drop: ' \n', set: '' })).toBeUndefined();
  expect(editOf({ rename: 'old = new', drop: 'a\nb', set: '{"c": 1}' })).toEqual({
    rename: { old: 'new' },
    drop: ['a', 'b'],
    set: { c: 1 },
  });
  expect(() => editOf({ rename: 'old', drop: '', set: '' })).toThrow('old=new');
});

test('bytes that are no text are shown as bytes', () => {
  expect(hexDump(btoa('A\xff'))).toBe(`0000  41 ff${' '.repeat(42)}  A.`);
});
