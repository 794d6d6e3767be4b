/* Asking again by itself, and not while nobody looks. Made for `$effect(() => repeating(…))`. */

/** Calls at once and every `everyMs`, until the returned function is called. */
export function repeating(everyMs: number, call: () => void): () => void {
  call();
  const timer = setInterval(() => {
    if (!document.hidden) call();
  }, everyMs);
  const seen = (): void => {
    if (!document.hidden) call();
  };
  document.addEventListener('visibilitychange', seen);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}
