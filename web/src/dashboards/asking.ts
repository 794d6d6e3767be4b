/* What a panel asks: its query, made to fit how it is drawn, with the filter of all panels put into its search line. */

import type { ChartKind, Checked, NamedQuery, Panel } from '../api/shapes';

/** The query of a panel; null where it names a saved one that is not there. */
export function queryOf(panel: Pick<Panel, 'query' | 'saved'>, saved: readonly NamedQuery[]): string | null {
  if (panel.saved === null) return panel.query;
  return saved.find((each) => each.name === panel.saved)?.saved.query ?? null;
}

/** A pipe that events need before they can be drawn as asked; "" where none is needed. */
export function pipeFor(chart: ChartKind, kind: Checked['kind']): string {
  if (kind !== 'events') return '';
  switch (chart) {
    case 'lines':
    case 'bars':
    case 'area':
      return '| timechart count() as events by level';
    case 'number':
      return '| stats count() as events';
    case 'top':
      return '| top 10 service';
    case 'table':
      return '| fields timestamp, level, service, message';
    default:
      return '';
  }
}

/** How an answer of this kind is drawn. */
export function drawn(chart: ChartKind, kind: Checked['kind']): ChartKind {
  if (chart === 'auto') return kind === 'events' ? 'events' : 'auto';
  return chart === 'events' && kind !== 'events' ? 'table' : chart;
}

/** `filter` put beside the search line; `queryEnd` is where that ends, in code points. Both must be readable. */
export function joined(query: string, queryEnd: number, filter: string): string {
  if (filter.trim() === '') return query;
  const characters = [...query];
  const line = characters.slice(0, queryEnd).join('').trim();
  const pipes = characters.slice(queryEnd).join('').trim();
  const both = line === '' || line === '*' ? filter.trim() : `(${line}) (${filter.trim()})`;
  return pipes === '' ? both : `${both} ${pipes}`;
}

/** The question behind a number, over time in spans of so many seconds: null where there is none. `pipes` are in
    canonical spelling. */
export function trendOf(
  query: string,
  check: Pick<Checked, 'kind' | 'query_end' | 'pipes' | 'by'>,
  spanS: number,
): string | null {
  const at = check.pipes.findIndex((each) => each.startsWith('stats '));
  if (check.kind !== 'rows' || at < 0 || check.by.length > 0) return null;
  const behind = check.pipes.slice(at + 1);
  if (!behind.every((each) => /^(eval|fields|rename) (?!-)/.test(each))) return null;
  const line = [...query].slice(0, check.query_end).join('').trim();
  const pipes = [
    ...check.pipes.slice(0, at),
    check.pipes[at]?.replace(/^stats/, `timechart span=${spanS}s`),
    ...behind.map((each) => each.replace(/^fields /, 'fields timestamp, ')),
  ];
  return `${line} | ${pipes.join(' | ')}`.trim();
}

/** The search view with the same question. */
export function searchLink(query: string, start: string, end: string): string {
  const params = new URLSearchParams({ query });
  // Without a start the search view means all time by "all".
  params.set('start', start === '' && end === '' ? 'all' : start);
  params.set('end', end);
  for (const name of ['start', 'end']) if (params.get(name) === '') params.delete(name);
  return `/?${params.toString()}`;
}
