/* Colours of terminals in a message → pieces of text with classes. Only colours and the like are obeyed; other
   sequences are left out. */

export interface Piece {
  text: string;
  classes: string;
  /** Of 256 or all colours, as CSS takes it; "" if none. */
  colour: string;
  ground: string;
}

interface Style {
  flags: Set<string>;
  colour: string;
  ground: string;
  isInverse: boolean;
}

const SEQUENCE =
  /\u001b(?:\[([0-9;:]{0,64})([A-Za-z])|\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\u0007\u001b]{0,2048}(?:\u0007|\u001b\\))/g;
const FLAGS: Record<number, string> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  8: 'dim',
  9: 'strike',
};
const OFF: Record<number, string[]> = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  28: ['dim'],
  29: ['strike'],
};

/** The text without the sequences: what is looked at for words. */
export function plainText(text: string): string {
  return text.includes('\u001b') ? text.replace(SEQUENCE, '') : text;
}

export function ansiPieces(text: string): Piece[] {
  if (!text.includes('\u001b')) return text === '' ? [] : [{ text, classes: '', colour: '', ground: '' }];
  const found: Piece[] = [];
  let style = plain();
  let at = 0;
  const add = (to: number): void => {
    if (to > at) found.push({ text: text.slice(at, to), ...shown(style) });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    add(match.index);
    at = match.index + match[0].length;
    if (match[2] === 'm') style = changed(style, match[1] ?? '');
  }
  add(text.length);
  return found;
}

function plain(): Style {
  return { flags: new Set(), colour: '', ground: '', isInverse: false };
}

function changed(before: Style, codes: string): Style {
  let style: Style = { ...before, flags: new Set(before.flags) };
  const numbers = codes.split(/[;:]/).map(Number);
  for (let at = 0; at < numbers.length; at += 1) {
    const code = numbers[at] ?? 0;
    if (code === 0) style = plain();
    else if (FLAGS[code]) style.flags.add(FLAGS[code]);
    else if (OFF[code]) OFF[code].forEach((flag) => style.flags.delete(flag));
    else if (code === 7 || code === 27) style.isInverse = code === 7;
    else if (code === 39) style.colour = '';
    else if (code === 49) style.ground = '';
    else if (code === 38 || code === 48) {
      const [colour, taken] = ofMany(numbers.slice(at + 1));
      if (code === 38) style.colour = colour;
      else style.ground = colour;
      at += taken;
    } else {
      const colour = ofSixteen(code);
      if (colour !== null && colour.isGround) style.ground = colour.name;
      else if (colour !== null) style.colour = colour.name;
    }
  }
  return style;
}

/** 30…37, 90…97, and 40…47, 100…107 behind the text. */
function ofSixteen(code: number): { name: string; isGround: boolean } | null {
  for (const [first, isGround] of [
    [30, false],
    [40, true],
    [90, false],
    [100, true],
  ] as const) {
    if (code >= first && code < first + 8) return { name: String(code - first), isGround };
  }
  return null;
}

/** Behind 38 or 48: `5;N` or `2;R;G;B`; and how many numbers that were. */
function ofMany(numbers: readonly number[]): [string, number] {
  const byte = (value: number | undefined): number => Math.min(255, Math.max(0, value || 0));
  if (numbers[0] === 2) return [`rgb(${byte(numbers[1])} ${byte(numbers[2])} ${byte(numbers[3])})`, 4];
  if (numbers[0] !== 5) return ['', 1];
  const index = byte(numbers[1]);
  if (index < 16) return [String(index % 8), 2];
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232);
    return [`rgb(${grey} ${grey} ${grey})`, 2];
  }
  const part = (value: number): number => (value === 0 ? 0 : 55 + 40 * value);
  const cube = index - 16;
  return [`rgb(${part(Math.floor(cube / 36))} ${part(Math.floor(cube / 6) % 6)} ${part(cube % 6)})`, 2];
}

function shown(style: Style): Omit<Piece, 'text'> {
  const classes = [...style.flags];
  const [front, behind] = style.isInverse
    ? [style.ground, style.colour || '7']
    : [style.colour, style.ground];
  const isNamed = (colour: string): boolean => /^\d$/.test(colour);
  if (isNamed(front)) classes.push(`ansi-${front}`);
  else if (front !== '') classes.push('ansi-any');
  if (isNamed(behind)) classes.push(`ansi-on-${behind}`);
  else if (behind !== '') classes.push('ansi-on-any');
  return {
    classes: classes.join(' '),
    colour: isNamed(front) ? '' : front,
    ground: isNamed(behind) ? '' : behind,
  };
}
