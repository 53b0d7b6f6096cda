/** What the one relay of a golden input would answer, for adapters that ask one. */
import type { RelaysFact } from '../../../operator/core/model.ts';
import type { KnownUpstreams } from '../../../relay/observe/upstream-report.ts';

export function reportOf(fact: RelaysFact | undefined): { upstreams: KnownUpstreams; fullSince: Date | undefined } {
  const upstreams = [...(fact?.upstreams ?? [])].map(([list, { trouble }]) =>
    trouble === undefined ? { lists: [list] } : { lists: [list], trouble },
  );
  return { upstreams, fullSince: (fact?.full ?? []).length > 0 ? new Date() : undefined };
}
