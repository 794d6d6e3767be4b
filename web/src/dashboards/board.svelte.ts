/* The dashboard that is looked at. The address says how: its time, its filter, whether it is edited; what the server
   has, and what was changed of it here, is below. */

import { dashboard, isTaken, putDashboard } from '../api/dashboards';
import { asProblem, isAbort, Problem } from '../api/http';
import { Resource } from '../api/resource.svelte';
import { check, savedQueries } from '../api/search';
import type { Dashboard, NamedDashboard, NamedQuery } from '../api/shapes';
import { address } from '../state/address.svelte';
import { keep, kept } from '../state/kept';
import { session } from '../state/session.svelte';
import { momentMs, rfc3339 } from '../text/times';
import { Asker, type BoardSpan } from './asker';
import * as drafts from './draft';
import { readDashboard, Unreadable } from './reading';

const LEAST_REFRESH_S = 5;

export class Board {
  readonly asker = new Asker();
  readonly told = new Resource<NamedDashboard>();
  draft = $state.raw<drafts.Draft | null>(null);
  saved = $state.raw<readonly NamedQuery[]>([]);
  span = $state.raw<BoardSpan | null>(null);
  /** The filter that is in every panel's query; "" until it was found to be readable. */
  filter = $state('');
  filterProblem = $state.raw<Problem | null>(null);
  /** Changes that an earlier visit left. */
  isRestored = $state(false);
  /** Load everything, seen or not: it is printed. */
  isWhole = $state(false);
  readonly name: string;
  #place: string;

  constructor(name: string) {
    this.name = name;
    this.#place = `dashboard.${session.who?.tenant ?? ''}.${name}`;
  }

  get isBuiltIn(): boolean {
    return this.told.value?.built_in ?? false;
  }

  get mayEdit(): boolean {
    return session.may('admin') && this.told.value !== null && !this.isBuiltIn;
  }

  get isEditing(): boolean {
    return this.mayEdit && address.get('edit') !== '';
  }

  get isChanged(): boolean {
    return this.draft !== null && drafts.isChanged(this.draft);
  }

  /** What is drawn. */
  get shown(): Dashboard | null {
    if (this.draft === null) return null;
    return this.isEditing ? this.draft.now : this.draft.base;
  }

  /** As the API takes it; "" without bound. */
  get start(): string {
    const text = address.get('start');
    if (text !== '') return text === 'all' ? '' : text;
    return address.get('end') === '' ? (this.shown?.range.start ?? '') : '';
  }

  get end(): string {
    const isOwn = address.get('start') !== '' || address.get('end') !== '';
    return isOwn ? address.get('end') : (this.shown?.range.end ?? '');
  }

  /** 0: never by itself. */
  get refreshS(): number {
    const text = address.get('refresh');
    const seconds = text === '' ? (this.shown?.refresh_s ?? 0) : Number(text) || 0;
    return seconds > 0 ? Math.max(LEAST_REFRESH_S, seconds) : 0;
  }

  async load(): Promise<void> {
    const found = await this.told.load((signal) => dashboard(this.name, signal));
    if (found === null) return;
    this.#begin(drafts.begin(found));
    await this.loadSaved();
  }

  async loadSaved(): Promise<void> {
    try {
      this.saved = await savedQueries(AbortSignal.timeout(20_000));
    } catch {
      // Panels that need one say that it is missing; the others do without.
      this.saved = [];
    }
  }

  stop(): void {
    this.told.stop();
  }

  /** As of now: every panel asks anew. */
  ask(): void {
    const nowMs = session.nowMs();
    const startMs = momentMs(this.start, nowMs);
    const endMs = momentMs(this.end, nowMs);
    this.span = {
      start: startMs === null ? '' : rfc3339(startMs),
      // Said even where it is now: a chart over time then knows how long its spans should be.
      end: endMs === null && startMs === null ? '' : rfc3339(endMs ?? nowMs),
      startMs,
      endMs: endMs ?? nowMs,
    };
  }

  async setFilter(text: string, signal: AbortSignal): Promise<void> {
    try {
      const read = text.trim() === '' ? null : await check(text, signal);
      if (read !== null && read.pipes.length > 0) throw pipesInFilter();
      this.filter = text.trim();
      this.filterProblem = null;
    } catch (error) {
      if (!isAbort(error)) this.filterProblem = asProblem(error);
    }
  }

  edit(next: Dashboard): void {
    if (this.draft !== null) this.#take(drafts.edited(this.draft, next));
  }

  undo(): void {
    if (this.draft !== null) this.#take(drafts.undo(this.draft));
  }

  redo(): void {
    if (this.draft !== null) this.#take(drafts.redo(this.draft));
  }

  discard(): void {
    if (this.draft !== null) this.#take(drafts.begin(this.told.value ?? this.draft.base));
    this.isRestored = false;
  }

  /** Throws Problem. False, and nothing is saved, if somebody else changed it meanwhile, unless `isForced`. */
  async save(isForced = false): Promise<boolean> {
    const draft = this.draft;
    if (draft === null) return true;
    if (!isForced && (await isTaken(this.name))) {
      const theirs = await dashboard(this.name);
      if (!drafts.isEqual(drafts.arranged(theirs), draft.base)) return false;
    }
    const found = await putDashboard(this.name, drafts.arranged(draft.now));
    this.told.value = found;
    // Somebody may have gone on editing meanwhile.
    if (this.draft !== null) this.#take(drafts.saved(this.draft, found));
    this.isRestored = false;
    return true;
  }

  #begin(draft: drafts.Draft): void {
    this.draft = draft;
    if (!this.mayEdit) return;
    const before = readKept(this.#place);
    if (before === null || drafts.isEqual(before.now, draft.base)) return;
    // Upon what it was made of: where somebody else has changed that since, saving asks.
    this.draft = drafts.edited(drafts.begin(before.base), before.now);
    this.isRestored = true;
  }

  #take(draft: drafts.Draft): void {
    this.draft = draft;
    keep(this.#place, drafts.isChanged(draft) ? { base: draft.base, now: draft.now } : null);
  }
}

function readKept(place: string): { base: Dashboard; now: Dashboard } | null {
  const value = kept<{ base?: unknown; now?: unknown } | null>(place, null);
  if (value?.base === undefined || value.now === undefined) return null;
  try {
    const [base, now] = [value.base, value.now].map((each) => readDashboard(JSON.stringify(each)).dashboard);
    return base && now ? { base, now } : null;
  } catch (error) {
    // Of another version, or somebody's own doing: it cannot be shown.
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

function pipesInFilter(): Problem {
  return new Problem(
    400,
    'bad_query',
    'The filter is a search line: it takes no pipes.',
    'It is put into the query of every panel, before its pipes: service:checkout level:error',
  );
}
