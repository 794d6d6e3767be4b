/* Counts over time in a strip: one bar a span, of a few spans. */

export interface Bar {
  /** 0 to 1, of the strip. */
  x: number;
  width: number;
  height: number;
}

const SPANS = 40;

/** Whole seconds of a span of which some forty fill the strip. */
export function spanFor(startMs: number, endMs: number): number {
  return Math.max(1, Math.ceil((endMs - startMs) / SPANS / 1000));
}

/** Of `[begin of a span, how many]`; several counts of one span, as of levels, are added up. Spans are counted from
 * 1970, so the first may begin before the strip: what it has lies within. */
export function bars(
  counts: readonly (readonly [number, number])[],
  startMs: number,
  endMs: number,
  spanMs: number,
): Bar[] {
  if (endMs <= startMs) return [];
  const sums = new Map<number, number>();
  for (const [ms, count] of counts) sums.set(ms, (sums.get(ms) ?? 0) + count);
  const most = Math.max(...sums.values());
  const firstMs = Math.floor(startMs / spanMs) * spanMs;
  const lengthMs = Math.ceil((endMs - firstMs) / spanMs) * spanMs;
  return [...sums].map(([ms, sum]) => ({
    x: (ms - firstMs) / lengthMs,
    width: spanMs / lengthMs,
    height: Math.max(0.08, sum / most),
  }));
}
