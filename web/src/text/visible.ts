/* Text of logs may hold anything. What cannot be seen, or would turn other text around, is shown as what it is. */

const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Text for one place, clipped to `most` characters, control characters and the like made visible. */
export function visible(text: string, most = 10_000): string {
  const isLong = text.length > most;
  return (isLong ? clipped(text, most) : text).replace(HIDDEN, spelt) + (isLong ? '…' : '');
}

/** The beginning; no character is cut in two. */
export function clipped(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}

/** ␀ for what has a picture, ‹U+202E› for the rest. */
function spelt(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '␡' : `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`;
}
