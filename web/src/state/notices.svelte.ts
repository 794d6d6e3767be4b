/* Short words to whoever looks: "copied", or why something did not work. */

import type { Problem } from '../api/http';

export interface Notice {
  id: number;
  kind: 'good' | 'bad';
  text: string;
  hint: string;
}

const SHOWN_MS = 6000;

class Notices {
  all = $state.raw<readonly Notice[]>([]);
  #last = 0;

  tell(text: string): void {
    this.#add('good', text, '');
  }

  warn(problem: Problem): void {
    this.#add('bad', problem.message, problem.hint);
  }

  dismiss(id: number): void {
    this.all = this.all.filter((each) => each.id !== id);
  }

  #add(kind: Notice['kind'], text: string, hint: string): void {
    const id = ++this.#last;
    this.all = [...this.all.slice(-3), { id, kind, text, hint }];
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }
}

export const notices = new Notices();
