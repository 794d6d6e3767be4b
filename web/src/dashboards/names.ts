/* Names of dashboards: what the server takes, made out of what somebody calls one. */

const NAME = /^[A-Za-z0-9][A-Za-z0-9 _.-]{0,99}$/;

/** What is wrong with a name; null if nothing is. */
export function nameTrouble(name: string): string | null {
  if (NAME.test(name)) return null;
  return name === ''
    ? 'A dashboard has a name: its address.'
    : 'Use 1 to 100 letters a to z, digits, blanks and . _ -, beginning with a letter or a digit.';
}

/** "Card payments (EU)" → "card-payments-eu"; one that is not taken. */
export function nameFor(title: string, taken: readonly string[]): string {
  const bare =
    title
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 60) || 'dashboard';
  let name = bare;
  for (let at = 2; taken.includes(name); at += 1) name = `${bare}-${at}`;
  return name;
}

export function pathTo(name: string): string {
  return `/dashboards/${encodeURIComponent(name)}`;
}
