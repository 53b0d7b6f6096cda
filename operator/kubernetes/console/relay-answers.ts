/** What the relays say about themselves at this moment, asked once for everybody who looks at the console. */
import type { KnownUpstreams } from '../../../relay/observe/upstream-report.ts';
import { mergedQueues, type QueueReport } from '../../../relay/observe/queue-report.ts';
import type { UsageReport } from '../../../relay/observe/usage-report.ts';
import type { Refusals, RelayFact } from '../../console/facts.ts';
import type { ConsoleAnswer } from '../relays/pod-answers.ts';
import { createMemo } from './memo.ts';

export interface RelayAnswers {
  readonly relays: readonly RelayFact[];
  readonly queue: QueueReport;
  readonly upstreams: KnownUpstreams;
  readonly refusals: (Refusals & { readonly nobody: Readonly<Record<string, number>> }) | undefined;
}

/** A page that is open asks every three seconds. */
const REMEMBERED_MS = 5000;

export function createRelayAnswers(ask: () => Promise<readonly ConsoleAnswer[]>): () => Promise<RelayAnswers> {
  const memo = createMemo<RelayAnswers>({ forMs: REMEMBERED_MS });
  return () => memo.get('all', async () => broughtTogether(await ask()));
}

function broughtTogether(given: readonly ConsoleAnswer[]): RelayAnswers {
  const answers = given.toSorted((a, b) => (a.pod.name < b.pod.name ? -1 : 1));
  return {
    relays: answers.map(({ pod: { name, isReady }, state }) => ({ name, isReady, state })),
    queue: mergedQueues(answers.flatMap(({ queue }) => queue ?? [])),
    upstreams: answers.flatMap(({ upstreams }) => upstreams ?? []),
    refusals: mergedRefusals(answers.flatMap(({ usage }) => usage?.refusedLately ?? [])),
  };
}

type Lately = NonNullable<UsageReport['refusedLately']>;

/** Undefined where no relay has said anything. Since the earliest of them. */
function mergedRefusals(reports: readonly Lately[]): RelayAnswers['refusals'] {
  const [since] = reports.map((report) => report.since).sort();
  if (since === undefined) return undefined;
  const users: Record<string, Record<string, number>> = {};
  for (const [user, counts] of reports.flatMap((report) => Object.entries(report.users))) {
    users[user] = sum(users[user], counts);
  }
  let nobody: Record<string, number> = {};
  for (const report of reports) nobody = sum(nobody, report.nobody);
  return { since, users, nobody };
}

function sum(before: Readonly<Record<string, number>> = {}, more: Readonly<Record<string, number>>) {
  const counts: Record<string, number> = { ...before };
  for (const [reason, count] of Object.entries(more)) counts[reason] = (counts[reason] ?? 0) + count;
  return counts;
}
