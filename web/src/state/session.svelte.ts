/* Who is asking: the key, what it opens, and how far the server's clock is from the browser's. */

import { ask, asProblem, show, type Problem } from '../api/http';
import type { Who } from '../api/shapes';
import { keep, kept } from './kept';

type Standing = 'asking' | 'in' | 'out' | 'away';

/** Kept in the browser, and telling of what was looked for. */
const OF_A_TENANT = ['past', 'spans', 'highlight'];

class Session {
  standing = $state<Standing>('asking');
  who = $state.raw<Who | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** The key that was used until now is refused. */
  isLost = $state(false);
  /** Server's time less the browser's, ms. */
  skewMs = $state(0);
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** Begin with the key that is kept, if one is. */
  begin(): void {
    const key = kept<string | null>('key', null, sessionStorage) ?? kept<string | null>('key', null);
    this.#use(key);
    void this.#ask();
  }

  /** Try a key; it is kept for this tab, or for this browser. */
  async signIn(key: string, isRemembered: boolean): Promise<void> {
    this.#use(key);
    await this.#ask();
    if (this.standing !== 'in') return;
    keep('key', key, isRemembered ? localStorage : sessionStorage);
  }

  signOut(): void {
    keep('key', null, sessionStorage);
    keep('key', null);
    this.#use(null);
    void this.#ask();
  }

  may(scope: 'ingest' | 'query' | 'admin'): boolean {
    return this.who?.scopes.includes(scope) ?? false;
  }

  /** The server's time, ms since 1970. */
  nowMs(): number {
    return Date.now() + this.skewMs;
  }

  #use(key: string | null): void {
    show(key, () => {
      if (this.standing === 'in') {
        this.problem = null;
        this.isLost = key !== null;
      }
      this.standing = 'out';
    });
  }

  /** What was asked of one tenant is not for the eyes of the next. */
  #forgetOthers(tenant: string): void {
    if (kept<string>('tenant', tenant) !== tenant) for (const name of OF_A_TENANT) keep(name, null);
    keep('tenant', tenant);
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#retry);
    const sent = Date.now();
    try {
      const who = await ask<Who>('whoami');
      this.skewMs = Date.parse(who.now) - (sent + Date.now()) / 2;
      this.#forgetOthers(who.tenant);
      this.who = who;
      this.problem = null;
      this.isLost = false;
      this.standing = 'in';
    } catch (error) {
      this.problem = asProblem(error);
      if (this.problem.status === 401) {
        this.standing = 'out';
      } else {
        this.standing = 'away';
        this.#retry = setTimeout(() => void this.#ask(), 2000);
      }
    }
  }
}

export const session = new Session();
