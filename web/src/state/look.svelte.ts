/* Light or dark: as the system is, until somebody says otherwise. */

import { keep, kept } from './kept';

export type Theme = 'system' | 'light' | 'dark';

class Look {
  theme = $state<Theme>(kept<Theme>('theme', 'system'));
  #system = matchMedia('(prefers-color-scheme: dark)');
  #systemIsDark = $state(this.#system.matches);

  constructor() {
    this.#system.addEventListener('change', (event) => (this.#systemIsDark = event.matches));
  }

  get isDark(): boolean {
    return this.theme === 'dark' || (this.theme === 'system' && this.#systemIsDark);
  }

  set(theme: Theme): void {
    this.theme = theme;
    keep('theme', theme === 'system' ? null : theme);
  }
}

export const look = new Look();
