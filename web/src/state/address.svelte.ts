/* The address is the state of a view: a link is a view, and Back is undo. */

class Address {
  path = $state(location.pathname);
  params = $state.raw(new URLSearchParams(location.search));

  constructor() {
    addEventListener('popstate', () => {
      this.path = location.pathname;
      this.params = new URLSearchParams(location.search);
    });
  }

  /** First part of the path: which view. */
  get view(): string {
    return this.path.split('/')[1] ?? '';
  }

  /** The parts behind it, decoded. */
  get rest(): string[] {
    return this.path.split('/').slice(2).filter(Boolean).map(decoded);
  }

  get(name: string): string {
    return this.params.get(name) ?? '';
  }

  /** Change some parameters; null or "" takes one out. `replace`: Back does not lead to what was before. */
  change(changes: Record<string, string | null>, how: 'push' | 'replace' = 'push'): void {
    const params = new URLSearchParams(this.params);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') params.delete(name);
      else params.set(name, value);
    }
    this.#show(this.path, params, how);
  }

  /** A parameter that may be there many times. */
  setAll(name: string, values: readonly string[]): void {
    const params = new URLSearchParams(this.params);
    params.delete(name);
    for (const value of values) params.append(name, value);
    this.#show(this.path, params, 'push');
  }

  /** Another view. */
  go(path: string, params: Record<string, string> | URLSearchParams = {}): void {
    this.#show(path, new URLSearchParams(params), 'push');
  }

  #show(path: string, params: URLSearchParams, how: 'push' | 'replace'): void {
    const text = params.toString();
    const url = text === '' ? path : `${path}?${text}`;
    if (url === `${location.pathname}${location.search}`) return;
    if (how === 'push') history.pushState(null, '', url);
    else history.replaceState(null, '', url);
    this.path = path;
    this.params = params;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const address = new Address();

/** For a link: a plain click stays in the page, every other is the browser's. */
export function followed(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const url = new URL(link.href);
  address.go(url.pathname, url.searchParams);
}
