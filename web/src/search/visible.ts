/* Texts of events in one short line: what would not show, or would turn the text around it, is named. */

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function shownText(text: string, most = 200): string {
  const clipped = text.length > most ? `${text.slice(0, most)}…` : text;
  return clipped.replace(HIDDEN, (each) => {
    if (each === '\n') return '⏎';
    if (each === '\t') return '⇥';
    return `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
