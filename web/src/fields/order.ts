/* Which fields stand where, and which of them somebody is looking for. */

import type { Facet } from '../api/shapes';
import { valueText } from '../text/line';

export interface Groups {
  pinned: Facet[];
  common: Facet[];
  /** A value of its own for nearly each event: nothing to choose from. */
  unique: Facet[];
}

/** Pinned ones in the order of pinning; names that begin with a dot (what was sent) behind the others. */
export function grouped(facets: readonly Facet[], pinned: readonly string[], sought: string): Groups {
  const found = facets.map((facet) => narrowed(facet, sought)).filter((facet) => facet !== null);
  const rest = found.filter((facet) => !pinned.includes(facet.name));
  const common = rest.filter((facet) => !facet.unique);
  return {
    pinned: pinned
      .map((name) => found.find((facet) => facet.name === name))
      .filter((facet) => facet !== undefined),
    common: [...common.filter((facet) => !isSent(facet)), ...common.filter(isSent)],
    unique: rest.filter((facet) => facet.unique),
  };
}

const isSent = (facet: Facet): boolean => facet.name.startsWith('.');

/** The facet if its name is sought, with the values that are if only those are, or null. */
export function narrowed(facet: Facet, sought: string): Facet | null {
  const text = sought.trim().toLowerCase();
  if (text === '' || facet.name.toLowerCase().includes(text)) return facet;
  const values = facet.values.filter((each) => valueText(each.value).toLowerCase().includes(text));
  return values.length === 0 ? null : { ...facet, values };
}
