/* Events that no store could hold: look, mend, give up; and what was done to stored data. */

import { ask } from './http';
import type { Json } from './shapes';

export interface LetterGroup {
  reason: string;
  protocol: string;
  letters: number;
  events: number;
  first_at: string;
  last_at: string;
}

export interface LetterRow {
  id: string;
  reason: string;
  protocol: string;
  events: number;
  received_at: string;
  dead_at: string;
  size_bytes: number;
  preview: string;
}

export interface Letters {
  groups: LetterGroup[];
  letters: LetterRow[];
  next: string | null;
}

/** `body` is null where the bytes are not UTF-8: then they are in `body_base64`. */
export interface Letter extends Omit<LetterRow, 'size_bytes' | 'preview'> {
  body: string | null;
  body_base64: string;
}

export interface Edit {
  rename?: Record<string, string>;
  drop?: string[];
  set?: Record<string, Json>;
}

/** Which letters: by one of these. */
export type Choice = { ids: string[] } | { reason: string } | { all: true };

export interface Outcome {
  events: number;
  letters: number;
  failed_letters: number;
  failed: { id: string; error: string }[];
  is_dry_run: boolean;
}

export interface Action {
  id: string;
  at: string;
  actor: string;
  action: string;
  events: number;
  detail: Record<string, string>;
}

export function letters(reason: string, cursor: string, signal: AbortSignal): Promise<Letters> {
  return ask('dead-letters', { params: { reason, cursor, limit: 50 }, signal });
}

export function letter(id: string, signal: AbortSignal): Promise<Letter> {
  return ask(`dead-letters/${encodeURIComponent(id)}`, { signal });
}

/** What to change before events are stored after all: some fields, or one event's whole text, which is JSON. */
export type Mending = { edit?: Edit; text?: string };

/** A dry run only tells what would become of them. */
export function replay(chosen: Choice, mending: Mending, isDry: boolean): Promise<Outcome> {
  const { edit, text } = mending;
  const json = JSON.stringify({ ...chosen, ...(edit && { edit }), dry_run: isDry });
  return ask('dead-letters/replay', {
    method: 'POST',
    json: text === undefined ? json : `${json.slice(0, -1)},"body":${text}}`,
  });
}

export async function discard(chosen: Choice): Promise<number> {
  return (await ask<{ events: number }>('dead-letters/discard', { method: 'POST', body: chosen })).events;
}

export async function actions(signal: AbortSignal): Promise<Action[]> {
  return (await ask<{ actions: Action[] }>('actions', { params: { limit: 100 }, signal })).actions;
}
