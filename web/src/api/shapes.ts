/* What the API answers, as docs/reference/http.md and its OpenAPI description tell. One name for each shape. */

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export interface LogEvent {
  id: string;
  timestamp: string;
  inserted_at: string;
  level: Level | null;
  service: string | null;
  data: { [name: string]: Json };
  /** What pipes have set. */
  columns?: { [name: string]: Json };
}

export interface Damage {
  segment: string;
  events: number;
  reason: string;
}

/** How complete an answer is. */
export interface Completeness {
  cached: boolean;
  took_ms: number;
  exact: boolean;
  complete: boolean;
  damaged?: Damage[];
  watermark: string | null;
  in_flight: number | null;
  scanned?: number;
  segments?: { read: number; skipped: number };
  row_groups?: { read: number; skipped: number };
  slices?: { kept: number; asked: number };
}

/** A field of a query that no event has, and the most similar one. */
export interface UnknownField {
  name: string;
  suggestion: string | null;
}

/** Why an answer has nothing. */
export interface Empty {
  events_in_range?: number;
  removed_by?: string;
  events_before?: number;
  matches_alone?: number;
  /** How a phrase like `status=404` is written as a field and its value. */
  meant?: string;
  unknown_fields?: UnknownField[];
  events_matching?: number;
  events_stored?: number;
  newest?: string;
  tenant?: string;
  retention?: {
    days: number;
    dropped_before: string;
    events_dropped: number;
    last_dropped_at: string | null;
  };
}

export type Row = { [column: string]: Json };

/** `/query`: events, or rows where pipes make a table. */
export interface Answer extends Completeness {
  events?: LogEvent[];
  rows?: Row[];
  columns?: string[];
  /** Where a column has no value in any row. */
  unknown_fields?: UnknownField[];
  next?: string | null;
  truncated?: boolean;
  empty?: Empty;
}

/** `/query/check`: what a query is. */
export interface Checked {
  kind: 'events' | 'rows' | 'series';
  /** Where the search line ends and the pipes begin, in code points. */
  query_end: number;
  filter: string;
  pipes: string[];
  fields: string[];
  columns: string[] | null;
  by: string[];
  time_column: string | null;
  values: string[];
}

export interface Option {
  text: string;
  label: string;
  kind: 'field' | 'value' | 'pipe' | 'function' | 'keyword' | 'operator' | 'column';
  detail: string;
}

export interface Completion {
  from: number;
  to: number;
  options: Option[];
}

export interface Histogram extends Completeness {
  span_s: number;
  by: string | null;
  total: number;
  totals: { value: string | null; count: number }[];
  counts: { start: string; value?: string | null; count: number }[];
  empty?: Empty;
}

export interface Facet {
  name: string;
  types: string[];
  events: number;
  distinct: number;
  unique: boolean;
  values: { value: Json; count: number }[];
}

export interface Facets extends Completeness {
  events: number;
  examined: number;
  facets: Facet[];
}

export interface Who {
  tenant: string;
  actor: string;
  scopes: ('ingest' | 'query' | 'admin')[];
  keys_required: boolean;
  version: string;
  service: 'up' | 'query';
  takes_logs: boolean;
  /** The server's clock. */
  now: string;
}

export interface NamedQuery {
  name: string;
  saved: { query: string; start: string | null; end: string | null; about: string };
}

/** `/fields/{name}/values`. */
export interface FieldValues extends Completeness {
  events: number;
  examined: number;
  types: string[];
  distinct: number;
  having: number;
  values: { value: Json; count: number }[];
}

/** One side of `/explain`. */
export interface Side {
  start: string | null;
  end: string | null;
  events: number;
  examined: number;
  exact: boolean;
}

/** What a field is on one side more than on the other; without value and range: that it is there at all. */
export interface Fact {
  field: string;
  value?: Json;
  range?: { at_least: number | null; below: number | null };
  query: string;
}

interface Difference {
  selection: number;
  baseline: number;
  selection_events: number;
  baseline_events: number;
  exact: boolean;
  lift: number;
  score: number;
  change: 'more' | 'less' | 'new' | 'gone';
  complement: boolean;
}

export interface Finding extends Fact, Difference {
  alike: Fact[];
  example: string | null;
}

export interface PatternFinding extends Difference {
  pattern: string;
  example: { id: string; message: string } | null;
}

export interface Explained extends Omit<Completeness, 'exact'> {
  selection: Side;
  baseline: Side;
  findings: Finding[];
  patterns: PatternFinding[];
  left_out: { asked: string[]; times: string[]; unique: string[] };
}

export const CHARTS = ['auto', 'lines', 'bars', 'area', 'table', 'number', 'top', 'events'] as const;
export type ChartKind = (typeof CHARTS)[number];

/** Of a dashboard; `x`, `y`, `w` and `h` are cells. Where `saved` names a saved query, that one is asked. */
export interface Panel {
  id: string;
  title: string;
  query: string;
  saved: string | null;
  chart: ChartKind;
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Dashboard {
  title: string;
  about: string;
  range: { start: string | null; end: string | null };
  refresh_s: number | null;
  panels: Panel[];
}

export interface NamedDashboard extends Dashboard {
  name: string;
  built_in: boolean;
}

/** In the list of them: `panels` is how many it has. */
export interface DashboardRow {
  name: string;
  title: string;
  about: string;
  built_in: boolean;
  panels: number;
}
