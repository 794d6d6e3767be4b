/* Small changes of a query that found nothing. What they leave is checked by the server as every query is. */

/** The query without a clause that stands in its search line as it is spelt; null where it does not. */
export function without(query: string, line: string, clause: string): string | null {
  if (line.trim() === clause) return query.slice(line.length).trim();
  const at = line.indexOf(clause);
  const isWhole =
    at >= 0 &&
    /^$|[\s]/.test(line[at - 1] ?? '') &&
    /^$|[\s]/.test(line[at + clause.length] ?? '') &&
    // Beside OR, or within brackets, taking it out would mean something else.
    !/\bor\b|\(/i.test(line);
  if (!isWhole) return null;
  const rest = `${line.slice(0, at).trimEnd()} ${line.slice(at + clause.length).trimStart()}`.trim();
  const pipes = query.slice(line.length).trim();
  return pipes === '' ? rest : `${rest} ${pipes}`.trim();
}

/** The query with a field's name spelt otherwise. */
export function withField(query: string, name: string, other: string): string {
  const spelt = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return query.replace(
    new RegExp(`(^|[\\s(!,-])${spelt}(?=[:\\s,)<>=!]|$)`, 'g'),
    (_, before: string) => before + other,
  );
}
