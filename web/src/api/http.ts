/* One way to ask the server: JSON in, JSON or a Problem out. */

/** What went wrong, as RFC 9457 tells it; `type` is the last part of its urn, or "unreachable". */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    readonly hint = '',
    /** Of a query that cannot be understood: where, in characters. */
    readonly position: number | null = null,
    readonly length = 0,
    readonly expected: readonly string[] = [],
    readonly suggestion: string | null = null,
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
  }
}

type Value = string | number | boolean | null | undefined;
/** Of the address; what is null, undefined or "" is left out, an array is repeated. */
export type Params = Record<string, Value | readonly Value[]>;

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  params?: Params;
  body?: unknown;
  /** A body that is JSON already: numbers stay as they were written. */
  json?: string;
  signal?: AbortSignal;
  accept?: string;
}

interface Shown {
  key: string | null;
  onRefused: () => void;
}

let shown: Shown = { key: null, onRefused: () => undefined };

/** From now on `key` is sent along; `onRefused` hears when the server knows it no more, or wants one. */
export function show(key: string | null, onRefused: () => void): void {
  shown = { key, onRefused };
}

export function address(path: string, params: Params = {}): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== '') found.append(name, String(each));
    }
  }
  const text = found.toString();
  return `/api/v1/${path}${text === '' ? '' : `?${text}`}`;
}

/** The answer, unread. Throws Problem, and the signal's AbortError. */
export async function fetched(path: string, call: Call = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: call.accept ?? 'application/json' };
  const used = shown;
  if (used.key !== null) headers['Authorization'] = `Bearer ${used.key}`;
  const body = call.json ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(address(path, call.params), {
      method: call.method ?? 'GET',
      headers,
      cache: 'no-store',
      ...(body === undefined ? {} : { body }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  // Of another key nothing is said: somebody may have signed in anew meanwhile.
  if (response.status === 401 && used === shown) used.onRefused();
  throw await problemOf(response);
}

/** The answer as JSON. `T` is what the API's description says of it. Throws as `fetched`. */
export async function ask<T>(path: string, call: Call = {}): Promise<T> {
  const response = await fetched(path, call);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw unreachable();
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** What to show of anything thrown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, 'internal', error instanceof Error ? error.message : String(error));
}

function unreachable(): Problem {
  return new Problem(
    0,
    'unreachable',
    'The server cannot be reached.',
    'It may be starting again; try again in a moment.',
  );
}

async function problemOf(response: Response): Promise<Problem> {
  const retry = Number(response.headers.get('Retry-After') ?? NaN);
  try {
    const told = (await response.json()) as Record<string, unknown>;
    return new Problem(
      response.status,
      String(told['type'] ?? '').replace(/^urn:cordwood:problem:/, ''),
      String(told['detail'] ?? told['title'] ?? response.statusText),
      String(told['hint'] ?? ''),
      typeof told['position'] === 'number' ? told['position'] : null,
      typeof told['length'] === 'number' ? told['length'] : 0,
      Array.isArray(told['expected'])
        ? told['expected'].map(String)
        : told['expected']
          ? [String(told['expected'])]
          : [],
      typeof told['suggestion'] === 'string' ? told['suggestion'] : null,
      Number.isNaN(retry) ? null : retry,
    );
  } catch {
    return new Problem(
      response.status,
      'unknown',
      `The server answered ${response.status} ${response.statusText}.`,
    );
  }
}
