/* Puts the questions of panels to the server: each is read first, so that it is known how to draw it. */

import { asProblem, isAbort, Problem } from '../api/http';
import { check as checkQuery, page, type Span } from '../api/search';
import type { Answer, ChartKind, Checked, NamedQuery, Panel } from '../api/shapes';
import { drawn, joined, pipeFor, queryOf, trendOf } from './asking';
import { figureOf, isCounted, pointsOf, spanFor, type Point } from './trend';
import { Turns } from './turns';

const AT_ONCE = 4;
const MOST_EVENTS = 50;
const MOST_ROWS = 10_000;

/** The time of all panels: RFC 3339, "" without bound. */
export interface BoardSpan extends Span {
  startMs: number | null;
  endMs: number;
}

export interface Drawing {
  /** What was asked, with the filter. */
  query: string;
  check: Checked;
  answer: Answer;
  chart: ChartKind;
  span: BoardSpan;
  trend: readonly Point[];
}

export type Question = Pick<Panel, 'query' | 'saved' | 'chart'>;

export class Asker {
  readonly turns = new Turns(AT_ONCE);
  #read = new Map<string, Promise<Checked>>();

  /** What a panel shows. Throws Problem, and AbortError. */
  ask(
    question: Question,
    saved: readonly NamedQuery[],
    filter: string,
    span: BoardSpan,
    signal: AbortSignal,
  ): Promise<Drawing> {
    return this.turns.run(() => this.#ask(question, saved, filter, span, signal), signal);
  }

  async #ask(
    question: Question,
    saved: readonly NamedQuery[],
    filter: string,
    span: BoardSpan,
    signal: AbortSignal,
  ): Promise<Drawing> {
    const { query, check } = await this.fitted(question, saved);
    const whole = joined(query, check.query_end, filter);
    const chart = drawn(question.chart, check.kind);
    const answer = await page(
      whole,
      asSpan(span),
      chart === 'events' ? MOST_EVENTS : MOST_ROWS,
      null,
      signal,
    );
    const trend = chart === 'number' ? await this.#trend(query, check, answer, filter, span, signal) : [];
    return { query: whole, check, answer, chart, span, trend };
  }

  /** The query that is asked for a panel, without filter, and what it is. */
  async fitted(question: Question, saved: readonly NamedQuery[]): Promise<{ query: string; check: Checked }> {
    const query = queryOf(question, saved);
    if (query === null)
      throw new Problem(
        404,
        'not_found',
        `There is no saved query "${question.saved}" any more.`,
        'Edit the panel: give it another one, or a query of its own.',
      );
    const check = await this.#check(query);
    const pipe = pipeFor(question.chart, check.kind);
    if (pipe === '') return { query, check };
    const piped = `${query} ${pipe}`.trim();
    return { query: piped, check: await this.#check(piped) };
  }

  async #trend(
    query: string,
    check: Checked,
    answer: Answer,
    filter: string,
    span: BoardSpan,
    signal: AbortSignal,
  ): Promise<Point[]> {
    const column = figureOf(answer, check)?.column;
    if (column === undefined || span.startMs === null) return [];
    const { startMs, endMs } = span;
    const spanS = spanFor(endMs - startMs);
    const asked = trendOf(query, check, spanS);
    if (asked === null) return [];
    const stats = check.pipes.find((each) => each.startsWith('stats ')) ?? '';
    const spans = { startMs, endMs, spanMs: spanS * 1000, otherwise: isCounted(stats, column) ? 0 : null };
    try {
      const end = (await this.#check(asked)).query_end;
      return pointsOf(
        await page(joined(asked, end, filter), asSpan(span), 1000, null, signal),
        column,
        spans,
      );
    } catch (error) {
      // A figure is worth showing without its trend.
      if (isAbort(error) || asProblem(error).status === 0) throw error;
      return [];
    }
  }

  #check(query: string): Promise<Checked> {
    const known = this.#read.get(query);
    if (known !== undefined) return known;
    const found = checkQuery(query);
    this.#read.set(query, found);
    found.catch(() => this.#read.delete(query));
    return found;
  }
}

function asSpan({ start, end }: BoardSpan): Span {
  return { start, end };
}
