/* The API counts places of a text in code points, JavaScript in UTF-16 units. */

/** Code points before the unit `at`. */
export function pointsBefore(text: string, at: number): number {
  return [...text.slice(0, at)].length;
}

/** The unit at which the code point number `points` begins; the end for one beyond it. */
export function unitAt(text: string, points: number): number {
  let at = 0;
  for (const each of text) {
    if (points <= 0) break;
    at += each.length;
    points -= 1;
  }
  return at;
}
