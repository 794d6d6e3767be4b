/* Spans of time as one picks and types them: reading what is typed, moving and widening. */

import { isRelative, momentMs, rfc3339 } from '../text/times';

export interface Range {
  /** As in the address: "-15m", RFC 3339, "" for without bound. */
  start: string;
  end: string;
}

export type Zone = 'local' | 'utc';

export const QUICK: readonly { start: string; key: string; name: string }[] = [
  { start: '-5m', key: '5 m', name: 'Last 5 minutes' },
  { start: '-15m', key: '15 m', name: 'Last 15 minutes' },
  { start: '-30m', key: '30 m', name: 'Last 30 minutes' },
  { start: '-1h', key: '1 h', name: 'Last hour' },
  { start: '-3h', key: '3 h', name: 'Last 3 hours' },
  { start: '-6h', key: '6 h', name: 'Last 6 hours' },
  { start: '-12h', key: '12 h', name: 'Last 12 hours' },
  { start: '-24h', key: '24 h', name: 'Last 24 hours' },
  { start: '-2d', key: '2 d', name: 'Last 2 days' },
  { start: '-7d', key: '7 d', name: 'Last 7 days' },
  { start: '-30d', key: '30 d', name: 'Last 30 days' },
  { start: '', key: 'All', name: 'All time' },
];

const SPAN = /^-?\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|w)(?:ec|in)?$/;
const DAY = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+(.*))?$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,3})\d*)?)?$/;

/** What somebody typed, as the address says it; null if it is no time. Without a date it is today's. */
export function typedTime(typed: string, nowMs: number, zone: Zone): string | null {
  const text = typed.trim();
  const plain = text.toLowerCase();
  if (plain === '' || plain === 'now') return plain;
  const span = SPAN.exec(plain);
  if (span) return `-${span[1]}${span[2]}`;
  if (/^\d{9,10}(\.\d+)?$/.test(text)) return rfc3339(Number(text) * 1000);
  if (/^\d{12,13}$/.test(text)) return rfc3339(Number(text));
  const day = DAY.exec(text);
  const clock = CLOCK.exec(day ? (day[4] ?? '00:00') : text);
  if (clock === null) {
    // With a zone of its own.
    const ms = day && /\d([zZ]|[+-]\d{2}:?\d{2})$/.test(text) ? Date.parse(text) : NaN;
    return Number.isNaN(ms) ? null : rfc3339(ms);
  }
  const now = new Date(nowMs);
  const date: [number, number, number] = day
    ? [Number(day[1]), Number(day[2]) - 1, Number(day[3])]
    : zone === 'utc'
      ? [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
      : [now.getFullYear(), now.getMonth(), now.getDate()];
  const time: [number, number, number, number] = [
    Number(clock[1]),
    Number(clock[2]),
    Number(clock[3] ?? 0),
    Number((clock[4] ?? '0').padEnd(3, '0')),
  ];
  if (time[0] > 23 || time[1] > 59 || time[2] > 59 || date[1] > 11 || date[2] < 1 || date[2] > 31)
    return null;
  const ms = zone === 'utc' ? Date.UTC(...date, ...time) : new Date(...date, ...time).getTime();
  return Number.isNaN(ms) ? null : rfc3339(ms);
}

/** What to type for a time of the address. */
export function typedText(text: string, zone: Zone): string {
  if (isRelative(text)) return text;
  const ms = momentMs(text, 0);
  if (ms === null) return text;
  const shifted = zone === 'utc' ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(shifted)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '')
    .replace(/\.000$/, '');
}

/** "Europe/Berlin, UTC+01:00" */
export function zoneName(nowMs: number): string {
  const minutes = -new Date(nowMs).getTimezoneOffset();
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const off = `UTC${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name === 'UTC' ? 'UTC' : `${name}, ${off}`;
}

/** The whole span earlier (-1) or later (1); null where there is none to move, or nothing later than now. */
export function moved(range: Range, by: 1 | -1, nowMs: number): Range | null {
  const bounds = boundsOf(range, nowMs);
  if (bounds === null) return null;
  const [start, end] = bounds;
  const span = end - start;
  if (by === 1 && end >= nowMs) return null;
  if (by === 1 && end + span >= nowMs) return untilNow(span) ?? { start: rfc3339(nowMs - span), end: '' };
  return { start: rfc3339(start + by * span), end: rfc3339(end + by * span) };
}

/** Twice as long, around the same middle, not beyond now; null where it has no start. */
export function widened(range: Range, nowMs: number): Range | null {
  const bounds = boundsOf(range, nowMs);
  if (bounds === null) return null;
  const [start, end] = bounds;
  const span = end - start;
  if (end + span / 2 < nowMs) return { start: rfc3339(start - span / 2), end: rfc3339(end + span / 2) };
  if (!isRelative(range.start) || (range.end !== '' && range.end !== 'now')) {
    return {
      start: rfc3339(Math.min(end, nowMs) - 2 * span),
      end: range.end === '' ? '' : rfc3339(Math.min(end, nowMs)),
    };
  }
  return untilNow(2 * span) ?? { start: rfc3339(nowMs - 2 * span), end: '' };
}

/** Both bounds as moments: the same for whoever opens the link later. */
export function fixed(range: Range, nowMs: number): Range {
  const start = momentMs(range.start, nowMs);
  return {
    start: start === null ? '' : rfc3339(start),
    end: rfc3339(momentMs(range.end, nowMs) ?? nowMs),
  };
}

/** The latest few that were picked by hand, each once. */
export function withRange(recent: readonly Range[], range: Range, most = 6): Range[] {
  const others = recent.filter((each) => each.start !== range.start || each.end !== range.end);
  return [range, ...others].slice(0, most);
}

/** Whether asking again may show something new. */
export function isMoving(range: Range): boolean {
  return range.end === '' || isRelative(range.end);
}

function boundsOf(range: Range, nowMs: number): [number, number] | null {
  const start = momentMs(range.start, nowMs);
  const end = momentMs(range.end, nowMs) ?? nowMs;
  return start === null || end <= start ? null : [start, end];
}

function untilNow(spanMs: number): Range | null {
  for (const [unit, ms] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    const many = spanMs / ms;
    if (Number.isInteger(many) && (unit !== 'd' || many > 1)) return { start: `-${many}${unit}`, end: '' };
  }
  return null;
}
