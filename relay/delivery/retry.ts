/** When to try again. */

export interface RetrySettings {
  readonly firstSeconds: number;
  readonly mostSeconds: number;
}

/**
 * Seconds until the next attempt after `attempts` failed ones: anywhere between the first wait and one that doubles
 * with each attempt, so that messages refused together do not come back together.
 */
export function retryDelaySeconds(
  attempts: number,
  { firstSeconds, mostSeconds }: RetrySettings,
  random: () => number,
): number {
  // past 2^30 the number would lose its meaning long before the message its life
  const ceiling = Math.min(mostSeconds, firstSeconds * 2 ** Math.min(attempts, 30));
  const floor = Math.min(firstSeconds, mostSeconds);
  return floor + random() * Math.max(0, ceiling - floor);
}
