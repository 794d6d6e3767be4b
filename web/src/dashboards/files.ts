/* Dashboards as files: one is downloaded, or read from one that somebody chose. */

import type { Dashboard } from '../api/shapes';
import { plain } from './draft';

export function download(name: string, dashboard: Dashboard): void {
  const text = JSON.stringify({ name, ...plain(dashboard) }, null, 2);
  const url = URL.createObjectURL(new Blob([text, '\n'], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.json`;
  link.click();
  // The browser has begun by then; at once would be too early for some.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
