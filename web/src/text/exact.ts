/* JSON whose numbers are shown with every digit that was sent, also where no double holds them. */

/** A number that a double would change. Written into JSON, it has its digits again. */
export class Exact {
  constructor(readonly source: string) {}

  toString(): string {
    return this.source;
  }

  toJSON(): unknown {
    const raw = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON;
    return raw ? raw.call(JSON, this.source) : Number(this.source);
  }
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** Only such a text can have a number in it that needs more than a double. */
const SUSPICIOUS = /[\d.]{16}|\d[eE][+-]?\d/;

/** As JSON.parse; numbers that would lose digits are `Exact` (browsers before 2025 round them). */
export function parseExactly(text: string): unknown {
  if (!SUSPICIOUS.test(text)) return JSON.parse(text);
  const revive: Reviver = (_, value, context) =>
    typeof value === 'number' && context?.source !== undefined && losesDigits(context.source, value)
      ? new Exact(context.source)
      : value;
  return JSON.parse(text, revive);
}

export function losesDigits(source: string, value: number): boolean {
  return !Number.isFinite(value) || digits(source) !== digits(String(value));
}

/** Those that count: no sign, point, exponent or zeros around them. */
function digits(text: string): string {
  return text
    .replace(/[eE].*$/, '')
    .replace(/[-+.]/g, '')
    .replace(/^0+|0+$/g, '');
}
