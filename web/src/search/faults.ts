/* Where a query cannot be read: the place in the line, and whether it is time to say so. */

import type { Problem } from '../api/http';
import { unitAt } from './points';

export interface Fault {
  problem: Problem;
  /** UTF-16 units of the text; at least one where there is one. */
  from: number;
  to: number;
}

export function faultIn(text: string, problem: Problem): Fault | null {
  if (problem.position === null) return null;
  const from = unitAt(text, problem.position);
  const to = unitAt(text, problem.position + Math.max(problem.length, 1));
  // An error at the end marks the character before it.
  return { problem, from: from === to ? Math.max(0, from - 1) : from, to };
}

/** Somebody is writing just there: what is not finished is no error yet. */
export function isUnfinished(text: string, fault: Fault, cursor: number): boolean {
  const rest = text.slice(cursor);
  return (
    (cursor >= fault.from && cursor <= fault.to) || (fault.to >= text.trimEnd().length && rest.trim() === '')
  );
}

/** The text with the suggestion taken. */
export function mended(text: string, problem: Problem): string {
  if (problem.position === null || problem.suggestion === null) return text;
  const from = unitAt(text, problem.position);
  return (
    text.slice(0, from) + problem.suggestion + text.slice(unitAt(text, problem.position + problem.length))
  );
}
