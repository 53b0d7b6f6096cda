/** What of a run is not as the guide says (docs/operate.md, "Who sends how much"). */
import { minus } from './counts.ts';
import type { TrafficResult } from './traffic.ts';

/** Connections of applications to one relay; each has one message on its way. */
const CONNECTIONS = 6;
/** Answers of a smart host that are not on disk yet (UNRECORDED_MAX in deliver.ts), and those on their way over its connections. */
const UNRECORDED = 128 + 10;
const RECIPIENTS_MOST = 3;

export function troublesOf({
  kills,
  lost,
  mistold,
  unheard,
  unlogged,
  totals: { log, sink },
  expected,
  status,
  losses,
}: TrafficResult): readonly string[] {
  const twice = losses.flatMap(({ counts }) => [...counts].filter(([, count]) => count < 0));
  const wrong = [...minus(status, expected)];
  const most = kills * UNRECORDED * RECIPIENTS_MOST;
  return [
    ...twice.map(([what, count]) => `${what}: ${-count} more on disk than in the log`),
    ...wrong.map(([what, count]) => `${what}: the status is wrong by ${count}`),
    ...none('messages are lost', lost),
    ...none('messages are not in the log as they were sent', mistold),
    ...atMost('messages whose client heard nothing', unheard, kills * CONNECTIONS),
    ...atMost('messages that are not in the log', unlogged, kills * CONNECTIONS),
    // attempts may be put off for other reasons than that the smart host says so
    ...(['delivered', 'bounced'] as const).flatMap((what) =>
      atMost(`answers "${what}" that are not in the log`, (sink[what] ?? 0) - (log[what] ?? 0), most),
    ),
  ];
}

function none(what: string, ids: readonly string[]): readonly string[] {
  return ids.length === 0 ? [] : [`${ids.length} ${what}: ${ids.slice(0, 3).join(', ')}`];
}

function atMost(what: string, count: number, most: number): readonly string[] {
  return count >= 0 && count <= most ? [] : [`${count} ${what}; it is to be 0 to ${most}`];
}
