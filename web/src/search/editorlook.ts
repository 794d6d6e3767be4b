/* How the query line looks: tokens of the page reach into its shadow root, its style sheets do not. */

import { EditorView } from '@codemirror/view';

const ICONS: Record<string, string> = {
  field: '"F"',
  value: '"="',
  column: '"C"',
  pipe: '"|"',
  function: '"ƒ"',
  keyword: '"K"',
  operator: '"&"',
};

const icons = Object.fromEntries(
  Object.entries(ICONS).map(([kind, content]) => [`.cm-completionIcon-${kind}::after`, { content }]),
);

export const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'transparent', fontSize: 'var(--text-m)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--mono)',
    lineHeight: 'var(--line)',
    maxHeight: '30vh',
    overflow: 'auto',
  },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 var(--space-1)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.q-field': { color: 'var(--json-key)' },
  '.q-value': { color: 'var(--json-text)' },
  '.q-number': { color: 'var(--json-number)' },
  '.q-regex': { color: 'var(--json-word)' },
  '.q-pipe': { color: 'var(--accent)', fontWeight: '600' },
  '.q-function': { color: 'var(--json-number)' },
  '.q-operator': { color: 'var(--muted)' },
  '.fault': {
    textDecoration: 'underline wavy var(--danger)',
    textDecorationSkipInk: 'none',
    textUnderlineOffset: '3px',
    backgroundColor: 'var(--danger-soft)',
    borderRadius: '2px',
  },
  '.cm-tooltip': {
    border: '1px solid var(--border)',
    borderRadius: 'var(--radius)',
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mono)',
    fontSize: 'var(--text-m)',
    maxHeight: '18em',
    maxWidth: 'min(640px, 95vw)',
    padding: 'var(--space-1)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': {
    display: 'flex',
    gap: 'var(--space-2)',
    alignItems: 'center',
    padding: '3px var(--space-2)',
    borderRadius: 'var(--radius-s)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    flex: '1',
    minWidth: '0',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    unicodeBidi: 'isolate',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '650' },
  '.cm-completionDetail': {
    margin: '0',
    color: 'var(--muted)',
    fontStyle: 'normal',
    fontSize: 'var(--text-s)',
  },
  '.cm-completionIcon': {
    width: '18px',
    padding: '0',
    borderRadius: '3px',
    backgroundColor: 'var(--sunken)',
    color: 'var(--muted)',
    fontSize: '10px',
    lineHeight: '18px',
    opacity: '1',
  },
  ...icons,
});
