/**
 * Exponential back-off with full jitter over its upper half, so that the many clients of a restarted server spread out.
 */
export function backoffMs(failures: number, first: number, most: number, random: () => number = Math.random): number {
  const whole = Math.min(first * 2 ** Math.min(failures, 30), most);
  return whole / 2 + (whole / 2) * random();
}
