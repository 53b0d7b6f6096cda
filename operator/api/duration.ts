import { z } from 'zod';

const SECONDS = { h: 3600, m: 60, s: 1, ms: 0.001 } as const;

/**
 * Go's duration notation, as in Kubernetes manifests: `120h`, `90m`, `1h30m`, `45s`. Four parts of five digits, as the
 * Gateway API bounds it (GEP-2257): more would overflow the 64 bits of nanoseconds that Go and CEL count in.
 */
export const duration = z
  .string()
  .max(32)
  .regex(/^([0-9]{1,5}(h|ms|m|s)){1,4}$/, 'must be a duration such as `90m`, `24h` or `1h30m`');

/** Length in seconds of a text that `duration` has accepted. */
export function durationSeconds(text: string): number {
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+)(h|ms|m|s)/g)) {
    seconds += Number(amount) * SECONDS[unit as keyof typeof SECONDS];
  }
  return seconds;
}
