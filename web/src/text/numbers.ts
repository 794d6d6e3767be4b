/* Numbers as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const some = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** 12,345 · 0.1235 */
export function number(value: number): string {
  return Number.isInteger(value) ? whole.format(value) : some.format(value);
}

/** 12.3K */
export function shortNumber(value: number): string {
  return Math.abs(value) < 1000 ? some.format(value) : short.format(value);
}

/** 12.3 MB, in powers of ten */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 ? whole.format(value) : new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(value)} ${units[at]}`;
}

/** 12 % · 0.4 % · < 0.1 % */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return `${value >= 10 || Number.isInteger(value) ? whole.format(value) : value.toFixed(1)} %`;
}

/** 1 event · 2 events */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole.format(count)} ${count === 1 ? one : many}`;
}
