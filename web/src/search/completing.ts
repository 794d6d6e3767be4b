/* What may come next, as the server knows it. */

import {
  pickedCompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete';
import { EditorSelection } from '@codemirror/state';
import { isAbort, Problem } from '../api/http';
import { complete, type Span } from '../api/search';
import type { Option } from '../api/shapes';
import { oneLine } from '../text/line';
import { pointsBefore, unitAt } from './points';

/** Longer texts are written, not completed. */
const LONGEST = 4000;

export function completions(
  span: () => Span,
): (context: CompletionContext) => Promise<CompletionResult | null> {
  return async (context) => {
    const text = context.state.doc.toString();
    if (text.length > LONGEST || (!context.explicit && text.trim() === '')) return null;
    const asking = new AbortController();
    context.addEventListener('abort', () => asking.abort(), { onDocChange: true });
    try {
      const found = await complete(text, pointsBefore(text, context.pos), span(), asking.signal);
      const from = unitAt(text, found.from);
      const to = unitAt(text, found.to);
      const written = text.slice(from, to);
      // An offer of what is written already is none.
      const options = found.options.filter((each) => each.text !== written);
      if (options.length === 0) return null;
      return { from, to, filter: false, options: options.map(offer) };
    } catch (error) {
      if (isAbort(error) || error instanceof Problem) return null;
      throw error;
    }
  };
}

function offer(option: Option): Completion {
  return {
    label: oneLine(option.label),
    type: option.kind,
    detail: option.detail,
    apply(view, completion, from, to) {
      view.dispatch({
        changes: { from, to, insert: option.text },
        selection: EditorSelection.cursor(from + option.text.length),
        annotations: pickedCompletion.of(completion),
        userEvent: 'input.complete',
        scrollIntoView: true,
      });
    },
  };
}
