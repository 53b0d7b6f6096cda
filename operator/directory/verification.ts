/** Look-ups of one process: the plan asks for them, what they find is kept in the state folder, and everything is planned anew. */
import type { Log } from '../../relay/log.ts';
import type { Plan, SenderEvidence } from '../core/model.ts';
import { evidenceSchema } from '../verify/evidence.ts';
import type { Resolvers } from '../verify/look-up.ts';
import { startLookUps } from '../verify/start-look-ups.ts';
import { openEvidence, type EvidenceFolder } from './evidence.ts';

export interface Verification {
  readonly evidence: EvidenceFolder<SenderEvidence>;
  /** What the latest plan says of senders. */
  readonly follow: (plan: Plan) => void;
  readonly close: () => void;
}

export interface VerificationOptions {
  readonly folder: string;
  readonly resolvers: Resolvers;
  /** There is other evidence about a sender. */
  readonly onEvidence: () => void;
  readonly log: Log;
}

export async function openVerification({ folder, log, ...options }: VerificationOptions): Promise<Verification> {
  const { evidence, problems } = await openEvidence(folder, evidenceSchema);
  for (const problem of problems) log.warn({ event: 'state' }, problem);
  let senders: ReadonlySet<string> = new Set();
  const lookUps = startLookUps({
    ...options,
    store: () => evidence,
    isThere: (sender) => senders.has(sender),
    onTrouble: (message) => log.error({ event: 'verification' }, message),
  });

  return {
    evidence,
    follow: ({ statuses, lookups, vouchings }) => {
      const before = senders;
      senders = new Set(
        statuses.flatMap(({ kind, meta }) => (kind === 'VerifiedSender' ? [`${meta.namespace}/${meta.name}`] : [])),
      );
      const asked = new Map(lookups.map((lookup) => [lookup.sender, lookup]));
      for (const sender of new Set([...before, ...senders])) lookUps.set(sender, asked.get(sender));
      for (const [sender, vouching] of vouchings) lookUps.remember(sender, vouching);
    },
    close: lookUps.close,
  };
}
