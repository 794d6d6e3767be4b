/* How a panel may be drawn, in words. */

import type { ChartKind } from '../api/shapes';

export const CHART_WORDS: readonly { chart: ChartKind; label: string }[] = [
  { chart: 'auto', label: 'What suits the query' },
  { chart: 'lines', label: 'Lines' },
  { chart: 'area', label: 'Areas' },
  { chart: 'bars', label: 'Bars' },
  { chart: 'number', label: 'A number' },
  { chart: 'top', label: 'A ranking' },
  { chart: 'table', label: 'A table' },
  { chart: 'events', label: 'Newest events' },
];
