/* All that a query finds, into a file: written as it comes where the browser can, else kept until it is whole. */

import { fetched, Problem } from './http';
import type { Span } from './search';

export type Format = 'ndjson' | 'csv';
const TYPES: Record<Format, string> = { ndjson: 'application/x-ndjson', csv: 'text/csv' };

/** What a browser may be asked to keep in memory. */
const MOST_BYTES = 256 * 1024 * 1024;

type Picker = (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;

/** Returns the bytes written, and whether damaged segments are missing; null when somebody thought better of it.
    Throws Problem. To be called from a click. */
export async function download(
  query: string,
  span: Span,
  format: Format,
  signal: AbortSignal,
  onbytes: (bytes: number) => void,
): Promise<{ bytes: number; isIncomplete: boolean } | null> {
  const name = `cordwood-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.${format}`;
  const picker = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  let file: FileSystemFileHandle | null = null;
  if (picker !== undefined) {
    try {
      file = await picker.call(window, { suggestedName: name });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return null;
      throw error;
    }
  }
  const response = await fetched('query', {
    params: { query, start: span.start, end: span.end },
    accept: TYPES[format],
    signal,
  });
  const body = response.body;
  if (body === null) throw new Problem(0, 'internal', 'The answer has no body.');
  const isIncomplete = response.headers.has('Cordwood-Incomplete');
  let bytes = 0;
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, out) {
        bytes += chunk.byteLength;
        if (file === null && bytes > MOST_BYTES) throw tooMuch();
        onbytes(bytes);
        out.enqueue(chunk);
      },
    }),
  );
  if (file !== null) await counted.pipeTo(await file.createWritable(), { signal });
  else save(await new Response(counted).blob(), name, TYPES[format]);
  return { bytes, isIncomplete };
}

function tooMuch(): Problem {
  return new Problem(
    0,
    'too_large',
    'This is more than 256 MB, which this browser would have to keep in memory.',
    'Ask for less time, or use `cordwood export` in a terminal.',
  );
}

export function save(content: Blob, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
