/* Times below a chart: as short as their distance allows, the day where it begins. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** Texts for moments (s since 1970) that are `step` seconds apart, in the browser's zone. */
export function timeTicks(moments: readonly number[], step: number): string[] {
  let before = '';
  return moments.map((s) => {
    const at = new Date(s * 1000);
    const day = `${MONTHS[at.getMonth()]} ${at.getDate()}`;
    if (step >= 86_400) return step >= 28 * 86_400 ? `${MONTHS[at.getMonth()]} ${at.getFullYear()}` : day;
    const seconds = step < 60 ? `:${two(at.getSeconds())}` : '';
    const parts = step < 1 ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : '';
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}${seconds}${parts}`;
    const isNew = before !== '' && before !== day;
    before = day;
    return isNew ? day : clock;
  });
}
