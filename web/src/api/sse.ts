/* Server-sent events out of text that comes in pieces: https://html.spec.whatwg.org/multipage/server-sent-events.html */

export interface SseMessage {
  event: string;
  data: string;
}

export class SseParser {
  /** The latest id that was told; it goes with an event, or alone with a comment. */
  lastId: string | null = null;
  #rest = '';
  #event = '';
  #data: string[] = [];
  #wasCr = false;

  /** The messages that are whole with this piece. */
  push(piece: string): SseMessage[] {
    // A CR at the end of a piece ended its line already: the LF that may begin the next one belongs to it.
    if (this.#wasCr && piece.startsWith('\n')) piece = piece.slice(1);
    if (piece !== '') this.#wasCr = piece.endsWith('\r');
    const lines = (this.#rest + piece).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    const found: SseMessage[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0)
          found.push({ event: this.#event || 'message', data: this.#data.join('\n') });
        this.#event = '';
        this.#data = [];
      } else {
        this.#field(line);
      }
    }
    return found;
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.lastId = value;
  }
}
