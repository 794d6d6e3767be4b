/* Round marks for the axes of a chart. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** px between two marks of time, about. */
const MARK_PX = 90;
const STEPS = [
  1,
  10,
  100,
  ...[1, 2, 5, 10, 15, 30].map((each) => each * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((each) => each * MINUTE),
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
  ...[1, 2, 7, 14, 30, 90, 182, 365, 730, 3650].map((each) => each * DAY),
];

/** Moments on round local times, as many as fit into `width` px. */
export function timeTicks(fromMs: number, toMs: number, width: number): number[] {
  const most = width / MARK_PX;
  const step =
    STEPS.find((each) => (toMs - fromMs) / each <= Math.max(1, most)) ?? STEPS[STEPS.length - 1] ?? DAY;
  // Days begin at midnight of the browser's zone; a shift of an hour within the span is of no matter to a mark.
  const offset = new Date(fromMs).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((fromMs - offset) / step) * step + offset;
  const found: number[] = [];
  for (let at = first; at <= toMs && found.length < 100; at += step) found.push(at);
  return found;
}

/** What stands at marks in a row. */
export function tickTexts(marks: readonly number[]): string[] {
  const step = marks.length > 1 ? Number(marks[1]) - Number(marks[0]) : MINUTE;
  return marks.map((each) => tickText(each, step));
}

/** What stands at a mark: as much of the time as tells it from its neighbours. */
export function tickText(ms: number, stepMs: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (stepMs >= DAY || (stepMs >= MINUTE && at.getHours() === 0 && at.getMinutes() === 0)) {
    return stepMs >= 300 * DAY
      ? String(at.getFullYear())
      : at.toLocaleDateString('en-GB', {
          day: 'numeric',
          month: 'short',
          ...(stepMs >= 90 * DAY && { year: '2-digit' }),
        });
  }
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (stepMs >= MINUTE) return clock;
  const parts = stepMs < SECOND ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : '';
  return `${clock}:${two(at.getSeconds())}${parts}`;
}

/** 0, half of a round number and the number itself, which is no less than `most`. */
export function countTicks(most: number): number[] {
  if (most <= 1) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(most));
  const top = ([1, 2, 4, 5, 6, 8, 10].find((each) => each * power >= most) ?? 10) * power;
  return top % 2 === 0 ? [0, top / 2, top] : [0, top];
}
