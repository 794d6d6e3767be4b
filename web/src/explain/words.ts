/* What explain found, in words. */

import type { Explained, Fact, Finding } from '../api/shapes';
import { number } from '../text/numbers';
import { valueText } from '../text/line';

/** host = pay-3 · http.duration_ms ≥ 173.9 · order is there */
export function factText(fact: Fact): string {
  if (fact.range) {
    const { at_least, below } = fact.range;
    if (at_least !== null && below !== null) return `${number(at_least)} ≤ ${fact.field} < ${number(below)}`;
    return at_least !== null
      ? `${fact.field} ≥ ${number(at_least)}`
      : `${fact.field} < ${number(below ?? 0)}`;
  }
  return fact.value === undefined ? `${fact.field} is there` : `${fact.field} = ${valueText(fact.value)}`;
}

/** 29 times as often · half as often */
export function liftText(finding: { lift: number; change: string }): string {
  if (finding.change === 'new') return 'new';
  if (finding.change === 'gone') return 'gone';
  if (finding.lift >= 1) {
    return `${number(finding.lift >= 10 ? Math.round(finding.lift) : Math.round(finding.lift * 10) / 10)} × as often`;
  }
  const times = 1 / finding.lift;
  return `${number(times >= 10 ? Math.round(times) : Math.round(times * 10) / 10)} × as rare`;
}

const MOST = 4;

/** What to say first: values that the selection has more of. Names come before numbers, as a cause has a name more
 * often, and what follows from it is a number. What was sent by the name of a derived value says nothing anew. */
export function headline(found: Explained): Fact[] {
  const more = found.findings.filter(
    (each) => !each.complement && (each.change === 'more' || each.change === 'new') && each.selection >= 0.2,
  );
  const facts = more.flatMap((each): Fact[] => [each, ...each.alike]);
  const values = facts.filter((fact) => fact.value !== undefined && !fact.field.startsWith('.'));
  const named = values.filter((fact) => typeof fact.value === 'string');
  const chosen = [...named, ...values.filter((fact) => !named.includes(fact))];
  return (chosen.length > 0 ? chosen : facts.filter((fact) => !fact.field.startsWith('.'))).slice(0, MOST);
}

/** "are mostly", as far as the facts say it. */
export function verb(found: Explained): string {
  const facts = headline(found);
  const shares = found.findings
    .filter((each) => [each, ...each.alike].some((fact) => facts.includes(fact)))
    .map((each) => each.selection);
  return shares.length > 0 && Math.min(...shares) >= 0.45 ? 'are mostly' : 'have unusually often';
}

/** Those that another value made room for come last, as the API has them. */
export function split(findings: readonly Finding[]): { first: Finding[]; complements: Finding[] } {
  return {
    first: findings.filter((each) => !each.complement),
    complements: findings.filter((each) => each.complement),
  };
}
