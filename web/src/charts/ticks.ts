/* Round marks for the axes of a chart. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MOST = 100;
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
  const found: number[] = [];
  for (let number = 0; number < MOST; number += 1) {
    const at = step >= HOUR ? clockMark(fromMs, step, number) : (Math.ceil(fromMs / step) + number) * step;
    if (at > toMs) break;
    // Where clocks are put back or forward, two marks may fall together.
    if (at >= fromMs && at > (found.at(-1) ?? -Infinity)) found.push(at);
  }
  return found;
}

/** The mark of this number, where clocks of the browser's zone show round hours or days begin: also behind a change
 *  to or from summer time. */
function clockMark(fromMs: number, step: number, number: number): number {
  const from = new Date(fromMs);
  if (step < DAY) {
    const hours = (number * step) / HOUR;
    return new Date(from.getFullYear(), from.getMonth(), from.getDate(), hours).getTime();
  }
  const days = step / DAY;
  const day = Math.floor((fromMs - from.getTimezoneOffset() * MINUTE) / DAY);
  return new Date(1970, 0, 1 + (Math.floor(day / days) + number) * days).getTime();
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
