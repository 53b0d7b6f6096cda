/**
 * Look-ups of one process: the plan asks for them, the state folder keeps what they find, and everything is planned
 * anew.
 */
import type { Log } from '../../relay/observe/log.ts';
import type { Plan, SenderEvidence } from '../core/model.ts';
import type { DkimKeys } from '../core/senders/dkim-model.ts';
import { evidenceSchema } from '../verify/evidence.ts';
import type { Resolvers } from '../verify/look-up.ts';
import { keysSchema } from '../verify/make-keys.ts';
import { startLookUps } from '../verify/start-look-ups.ts';
import { startRecords } from '../verify/start-records.ts';
import { openEvidence, type EvidenceFolder } from './evidence.ts';

export interface Verification {
  readonly evidence: EvidenceFolder<SenderEvidence>;
  readonly keys: EvidenceFolder<DkimKeys>;
  /** What the latest plan says of senders. */
  readonly follow: (plan: Plan) => void;
  readonly close: () => void;
}

export interface VerificationOptions {
  /** For what is known of senders. */
  readonly folder: string;
  /** For the keys that their mail is signed with. */
  readonly keysFolder: string;
  readonly resolvers: Resolvers;
  /** There is other evidence about a sender. */
  readonly onEvidence: () => void;
  readonly log: Log;
}

export async function openVerification({
  folder,
  keysFolder,
  log,
  ...options
}: VerificationOptions): Promise<Verification> {
  const { evidence, problems } = await openEvidence(folder, evidenceSchema);
  const { evidence: keys, problems: keyProblems } = await openEvidence(keysFolder, keysSchema);
  for (const problem of [...problems, ...keyProblems]) log.warn({ event: 'state' }, problem);
  let senders: ReadonlySet<string> = new Set();
  const common = {
    ...options,
    isThere: (sender: string) => senders.has(sender),
    onTrouble: (message: string) => log.error({ event: 'verification' }, message),
  };
  const lookUps = startLookUps({ ...common, store: () => evidence });
  const records = startRecords({
    ...common,
    evidence: () => evidence,
    keys: () => keys,
    onChange: options.onEvidence,
  });

  return {
    evidence,
    keys,
    follow: ({ statuses, lookups, vouchings, records: plans }) => {
      const before = senders;
      senders = new Set(
        statuses.flatMap(({ kind, meta }) => (kind === 'VerifiedSender' ? [`${meta.namespace}/${meta.name}`] : [])),
      );
      const asked = new Map(lookups.map((lookup) => [lookup.sender, lookup]));
      const planned = new Map(plans.map((plan) => [plan.sender, plan]));
      for (const sender of new Set([...before, ...senders])) {
        lookUps.set(sender, asked.get(sender));
        records.follow(sender, planned.get(sender));
      }
      for (const [sender, vouching] of vouchings) lookUps.remember(sender, vouching);
    },
    close: () => {
      lookUps.close();
      records.close();
    },
  };
}
