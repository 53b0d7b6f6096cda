/** How long an undeliverable message is kept trying, and when its sender is told of the delay. */
import type { RelayConfig } from '../config/config.ts';
import type { GoneLists } from './gone-lists.ts';

export interface AgeLimits {
  readonly maxAgeSeconds: number;
  readonly delayNoticeAfterSeconds: number;
}

/** What it is of a message that it depends on. */
export interface Aging {
  readonly list: string;
  /** In steady time. */
  readonly received: number;
}

/** A list that was deleted has no say any more. This is what no list exceeds, so that relays that restart often end it too. */
export const LIMITS_OF_GONE_LISTS: AgeLimits = { maxAgeSeconds: 30 * 24 * 3600, delayNoticeAfterSeconds: 4 * 3600 };

/**
 * Those of the list. Where it is gone, its mail gets some time to see it come back, whatever age it has reached by then: a list
 * that was deleted by mistake, or replaced, is there again soon.
 */
export function ageLimitsOf(
  { list, received }: Aging,
  { config, goneLists, now }: { config: RelayConfig | undefined; goneLists: Pick<GoneLists, 'since'>; now: number },
): AgeLimits {
  if (config === undefined) return LIMITS_OF_GONE_LISTS;
  const known = config.lists.get(list);
  if (known !== undefined) return known.delivery;
  const end = goneLists.since(list, now) + config.class.delivery.orphanMaxAgeSeconds * 1000;
  const { maxAgeSeconds, delayNoticeAfterSeconds } = LIMITS_OF_GONE_LISTS;
  return { maxAgeSeconds: Math.min(maxAgeSeconds, (end - received) / 1000), delayNoticeAfterSeconds };
}
