/* Copying. Over plain HTTP from another machine browsers have no clipboard API; the old way works there. */

import { Problem } from '../api/http';
import { notices } from '../state/notices.svelte';

/** Copy, and say so; `what` is what was copied: "the value". */
export async function copy(text: string, what: string): Promise<void> {
  if (await copied(text)) notices.tell(`Copied ${what}.`);
  else notices.warn(new Problem(0, 'clipboard', 'The browser does not let this page copy.'));
}

/** Whether it was copied. */
export async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedTheOldWay(text);
  }
}

function copiedTheOldWay(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } finally {
    area.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}
