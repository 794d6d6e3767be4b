/* The key that opens the live tail from anywhere in the search, and leads back. */

import { search } from '../search/search.svelte';
import { shortcuts } from '../state/shortcuts.svelte';

export function offerLive(): () => void {
  return shortcuts.offer([
    {
      keys: 'l',
      does: 'watch live, or leave',
      group: 'Tail',
      run: () => search.setTab(search.tab === 'live' ? 'events' : 'live'),
    },
  ]);
}
