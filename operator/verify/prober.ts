/** Makes the look-ups that the plan asks for, each when it is due (see due-turns.ts). */
import type { DnsEvidence } from '../core/model.ts';
import type { Lookup } from '../core/senders/look-ups.ts';
import { formatTime } from '../core/time.ts';
import { createDueTurns, type DueTurns } from './due-turns.ts';
import { afterLookup } from './evidence.ts';
import type { Observation } from './look-up.ts';

/** By key of the VerifiedSender, `NAMESPACE/NAME`. */
export type Prober<Wish extends Lookup = Lookup> = DueTurns<Wish>;

export interface ProberOptions<Wish extends Lookup> {
  readonly lookUp: (wish: Wish) => Promise<Observation>;
  readonly evidenceOf: (sender: string) => DnsEvidence | undefined;
  /** Keeps the evidence, then hands it to the planner. Where it rejects, the look-up is made again in a while. */
  readonly onEvidence: (sender: string, evidence: DnsEvidence) => Promise<void>;
  readonly onTrouble: (message: string) => void;
  readonly now?: () => Date;
  /** Look-ups under way at once. */
  readonly atOnce?: number;
  /** Shortest time between two look-ups for one sender, however often somebody touches it; milliseconds. */
  readonly shortestMs?: number;
}

const AT_ONCE = 16;
const SHORTEST_MS = 5000;

export function createProber<Wish extends Lookup>(options: ProberOptions<Wish>): Prober<Wish> {
  const { now = () => new Date(), atOnce = AT_ONCE, shortestMs = SHORTEST_MS } = options;
  let isClosed = false;

  async function lookUpOne(sender: string, lookup: Wish): Promise<void> {
    const observation = await options.lookUp(lookup);
    // what those under way find is dropped
    if (isClosed) return;
    const findings = { ...observation, time: formatTime(now()), jitter: Math.random() };
    await options.onEvidence(sender, afterLookup(options.evidenceOf(sender), lookup, findings));
  }

  const turns = createDueTurns<Wish>({
    dueOf: ({ due }) => new Date(due),
    act: lookUpOne,
    onError: (sender, error) =>
      options.onTrouble(`VerifiedSender ${sender}: what the DNS said could not be kept: ${String(error)}`),
    now,
    atOnce,
    shortestMs,
  });
  return {
    ...turns,
    close: () => {
      isClosed = true;
      turns.close();
    },
  };
}
