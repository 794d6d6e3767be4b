/* Times and spans: in the address they are what the API takes ("-15m", "now", RFC 3339); here they become moments. */

const UNITS_MS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };
const BACK = /^-(\d+(?:\.\d+)?)([smhdw])$/;

/** ms since 1970, or null for an empty text or one that is no time. */
export function momentMs(text: string, nowMs: number): number | null {
  const back = BACK.exec(text);
  if (back) return nowMs - Number(back[1]) * (UNITS_MS[back[2] ?? ''] ?? NaN);
  if (text === 'now') return nowMs;
  if (text === '') return null;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const found = Date.parse(text);
  return Number.isNaN(found) ? null : found;
}

export function isRelative(text: string): boolean {
  return text === '' || text === 'now' || BACK.test(text);
}

/** For the API: RFC 3339 in UTC. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

const two = (value: number): string => String(value).padStart(2, '0');

/** 2026-11-26 08:15:03.123, in the browser's zone */
export function localTime(ms: number, withMs = true): string {
  const at = new Date(ms);
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${localDate(ms)} ${clock}${withMs ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : ''}`;
}

/** 2026-11-26, in the browser's zone */
export function localDate(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** "Last 15 minutes", "2026-11-26 08:00:00 to now" */
export function spanText(start: string, end: string): string {
  if (start === '' && (end === '' || end === 'now')) return 'All time';
  const back = BACK.exec(start);
  if (back && (end === '' || end === 'now')) {
    const names: Record<string, string> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' };
    const name = names[back[2] ?? ''] ?? '';
    return back[1] === '1' ? `Last ${name}` : `Last ${back[1]} ${name}s`;
  }
  const shown = (text: string, none: string): string => {
    const ms = isRelative(text) ? null : momentMs(text, 0);
    return ms === null ? text || none : localTime(ms, ms % 1000 !== 0);
  };
  return `${shown(start, 'the beginning')} to ${shown(end, 'now')}`;
}

/** 350 ms · 12 s · 3 m 20 s · 2 h 5 m · 3 d 4 h */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  const [big, small, unit, lesser] =
    s < 3600
      ? [s / 60, s % 60, 'm', 's']
      : s < 86_400
        ? [s / 3600, (s % 3600) / 60, 'h', 'm']
        : [s / 86_400, (s % 86_400) / 3600, 'd', 'h'];
  const rest = Math.floor(Number(small));
  return `${Math.floor(Number(big))} ${unit}${rest === 0 ? '' : ` ${rest} ${lesser}`}`;
}

/** "3 m ago" */
export function ago(ms: number, nowMs: number): string {
  const past = nowMs - ms;
  return past < 1000 ? 'just now' : `${duration(past).split(' ').slice(0, 2).join(' ')} ago`;
}
