import type { KnownUpstreams } from '../../relay/observe/upstream-report.ts';
import type { UsageReport } from '../../relay/observe/usage-report.ts';
import type { ProgrammedFact, RelaysFact } from '../core/model.ts';
import { createRelayReports } from '../relays/reports.ts';
import type { RelayHashes } from './apply.ts';

/** What the adapter needs of the relay in the same process. */
export interface RelayInProcess {
  /** SHA-256 of each document in force, by file name. */
  readonly configHashes: () => RelayHashes;
  /** What is known of the upstreams, by list. */
  readonly upstreams: () => KnownUpstreams;
  /** What it has counted of lists and users. */
  readonly usage: () => UsageReport;
  /** Since when its disk has been full. */
  readonly fullSince: () => Date | undefined;
  /** Reads its folder now; it would see the change by itself, a little later. */
  readonly reload: () => Promise<void>;
}

/** Whether the relay runs what was written last. */
export function programmedFact(relay: RelayInProcess, written: RelayHashes | undefined): ProgrammedFact {
  if (written === undefined) return { state: 'Unknown', message: 'The configuration has not been written yet.' };
  const running = relay.configHashes();
  const late = Object.entries(written).filter(([name, hash]) => running[name] !== hash);
  if (late.length === 0) return { state: 'Programmed', message: 'The relay runs it.' };
  return { state: 'Lagging', message: `The relay has not loaded ${late.map(([name]) => name).join(', ')} yet.` };
}

export interface FollowedRelay {
  /** What it tells of itself now, by class. */
  readonly facts: () => ReadonlyMap<string, RelaysFact>;
  /** Whether that is something else than it was when it was asked last. */
  readonly hasNews: () => boolean;
}

/** What the relay tells of itself, held still as an operator does it in a cluster. */
export function followRelay(relay: RelayInProcess, relayClass: string): FollowedRelay {
  const reports = createRelayReports();
  const ask = (): RelaysFact | undefined => {
    const answer = { upstreams: relay.upstreams(), isFull: relay.fullSince() !== undefined, startTime: '' };
    reports.take(relayClass, new Map([['this process', answer]]));
    return reports.of(relayClass);
  };
  return {
    facts: () => {
      const fact = ask();
      return new Map(fact === undefined ? [] : [[relayClass, fact]]);
    },
    hasNews: () => reports.of(relayClass) !== ask(),
  };
}
