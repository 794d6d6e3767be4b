/* The query line as an editor. Loaded when it is needed; it lives in a shadow root, as the policy of content lets no
   script put styles into the page. */

import {
  acceptCompletion,
  autocompletion,
  closeCompletion,
  completionStatus,
  selectedCompletionIndex,
  setSelectedCompletion,
  startCompletion,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { EditorSelection, EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import {
  Decoration,
  EditorView,
  keymap,
  placeholder,
  type DecorationSet,
  type KeyBinding,
} from '@codemirror/view';
import type { Span } from '../api/search';
import { completions } from './completing';
import { look } from './editorlook';
import { pieces } from './highlight';

export interface Asking {
  text: string;
  /** Shown while there is no text. */
  hint: string;
  span: () => Span;
  onchange: (text: string, cursor: number) => void;
  onask: () => void;
  /** Up (1) in the first line or down (-1) in the last; whether the past had something. */
  onwalk: (step: 1 | -1) => boolean;
  onfocus: (isFocused: boolean) => void;
}

export interface Editor {
  text(): string;
  /** In the place of what is there; the cursor behind it. */
  setText(text: string): void;
  /** What cannot be read, in UTF-16 units. */
  mark(place: { from: number; to: number } | null): void;
  focus(): void;
  select(from: number, to: number): void;
  close(): void;
}

type Range = { from: number; to: number };
const setMark = StateEffect.define<Range | null>();

const marked = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let found = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMark)) continue;
      const length = transaction.state.doc.length;
      const from = Math.min(effect.value?.from ?? 0, length);
      const to = Math.min(effect.value?.to ?? 0, length);
      found =
        from < to ? Decoration.set(Decoration.mark({ class: 'fault' }).range(from, to)) : Decoration.none;
    }
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const coloured = StateField.define<DecorationSet>({
  create: (state) => colours(state.doc.toString()),
  update: (found, transaction) => (transaction.docChanged ? colours(transaction.newDoc.toString()) : found),
  provide: (field) => EditorView.decorations.from(field),
});

function colours(text: string): DecorationSet {
  return Decoration.set(
    pieces(text).map(({ from, to, kind }) => Decoration.mark({ class: `q-${kind}` }).range(from, to)),
  );
}

/** Browsers that write over coloured text keep its colour in a style attribute, which the policy of content refuses. */
const overwriting = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { inputType, data } = event;
    if (inputType !== 'insertText' || data === null || event.isComposing || view.state.selection.main.empty)
      return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true });
    return true;
  },
});

export function openEditor(root: ShadowRoot, asking: Asking): Editor {
  const view = new EditorView({ root, parent: root, state: stateOf(asking) });
  const within = (at: number): number => Math.max(0, Math.min(at, view.state.doc.length));
  return {
    text: () => view.state.doc.toString(),
    setText(text) {
      if (text === view.state.doc.toString()) return;
      closeCompletion(view);
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        selection: EditorSelection.cursor(view.state.toText(text).length),
      });
    },
    mark(place) {
      view.dispatch({ effects: setMark.of(place) });
      view.contentDOM.setAttribute('aria-invalid', String(place !== null));
    },
    focus: () => view.focus(),
    select: (from, to) =>
      view.dispatch({ selection: EditorSelection.range(within(from), within(to)), scrollIntoView: true }),
    close: () => view.destroy(),
  };
}

function stateOf(asking: Asking): EditorState {
  return EditorState.create({
    doc: asking.text,
    selection: EditorSelection.cursor(asking.text.replace(/\r\n?/g, '\n').length),
    extensions: [
      history(),
      coloured,
      marked,
      look,
      EditorView.lineWrapping,
      placeholder(asking.hint),
      EditorView.contentAttributes.of({
        'aria-label': 'Query',
        spellcheck: 'false',
        autocorrect: 'off',
        autocapitalize: 'off',
        enterkeyhint: 'search',
      }),
      autocompletion({
        override: [completions(asking.span)],
        // Enter asks, unless somebody has picked an offer. So no key takes one by accident, and Tab need not wait.
        selectOnOpen: false,
        interactionDelay: 0,
        activateOnTypingDelay: 120,
        activateOnCompletion: () => true,
      }),
      overwriting,
      Prec.highest(keymap.of(keysOf(asking))),
      keymap.of([...historyKeymap, ...defaultKeymap]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged || update.selectionSet) {
          asking.onchange(update.state.doc.toString(), update.state.selection.main.head);
        }
        if (update.focusChanged) asking.onfocus(update.view.hasFocus);
      }),
    ],
  });
}

function keysOf(asking: Asking): KeyBinding[] {
  return [
    {
      key: 'Enter',
      run(view) {
        if (isPicked(view) && acceptCompletion(view)) return true;
        closeCompletion(view);
        asking.onask();
        return true;
      },
      shift(view) {
        view.dispatch(view.state.replaceSelection('\n'));
        return true;
      },
    },
    {
      key: 'Tab',
      run(view) {
        if (completionStatus(view.state) !== 'active') return false;
        if (!isPicked(view)) view.dispatch({ effects: setSelectedCompletion(0) });
        return acceptCompletion(view);
      },
    },
    {
      // Out of the line: here the keys of the page are letters.
      key: 'Escape',
      run(view) {
        if (!closeCompletion(view)) view.contentDOM.blur();
        return true;
      },
    },
    { key: 'ArrowUp', run: (view) => !isOffering(view) && isInEdge(view, 0) && asking.onwalk(1) },
    {
      key: 'ArrowDown',
      run(view) {
        if (isOffering(view) || !isInEdge(view, view.state.doc.length)) return false;
        return asking.onwalk(-1) || startCompletion(view);
      },
    },
  ];
}

function isOffering(view: EditorView): boolean {
  return completionStatus(view.state) === 'active';
}

function isPicked(view: EditorView): boolean {
  return isOffering(view) && selectedCompletionIndex(view.state) !== null;
}

/** Whether the cursor is in the same line, as shown, as the place `at`. */
function isInEdge(view: EditorView, at: number): boolean {
  const cursor = view.coordsAtPos(view.state.selection.main.head);
  const edge = view.coordsAtPos(at);
  return cursor === null || edge === null || Math.abs(cursor.top - edge.top) < 4;
}
