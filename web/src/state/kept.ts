/* Small things kept in the browser. Where it keeps nothing (private windows), they live as long as the page. */

export function kept<T>(name: string, otherwise: T, place: Storage = localStorage): T {
  try {
    const text = place.getItem(`cordwood.${name}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function keep(name: string, value: unknown, place: Storage = localStorage): void {
  try {
    if (value === null) place.removeItem(`cordwood.${name}`);
    else place.setItem(`cordwood.${name}`, JSON.stringify(value));
  } catch {
    // Nothing is lost but the memory of it.
  }
}
