/* A choice of bins by mouse or keys: the bin where it began, and the one where it is. */

export interface Selection {
  anchor: number;
  head: number;
}

export function low(selection: Selection): number {
  return Math.min(selection.anchor, selection.head);
}

export function high(selection: Selection): number {
  return Math.max(selection.anchor, selection.head);
}

/** The bin at a place of the plot, 0 to 1. */
export function binAt(share: number, count: number): number {
  return clamped(Math.floor(share * count), count);
}

/** What a key makes of a choice; undefined if it is not for choosing. The first arrow takes the last or the first bin. */
export function afterKey(
  key: string,
  isExtended: boolean,
  selection: Selection | null,
  count: number,
): Selection | undefined {
  const to = {
    ArrowLeft: selection ? selection.head - 1 : count - 1,
    ArrowRight: selection ? selection.head + 1 : 0,
    PageUp: (selection?.head ?? count) - 10,
    PageDown: (selection?.head ?? -1) + 10,
    Home: 0,
    End: count - 1,
  }[key];
  if (to === undefined || count < 1) return undefined;
  const head = clamped(to, count);
  return { anchor: isExtended && selection ? selection.anchor : head, head };
}

function clamped(at: number, count: number): number {
  return Math.max(0, Math.min(count - 1, at));
}
