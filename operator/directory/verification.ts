/** Look-ups of one process: the plan asks for them, what they find is kept in the state folder, and everything is planned anew. */
import type { Log } from '../../relay/log.ts';
import type { Plan } from '../core/model.ts';
import { lookUp, type Resolvers } from '../verify/look-up.ts';
import { createProber } from '../verify/prober.ts';
import { openEvidence, type EvidenceFolder } from './evidence.ts';

export interface Verification {
  readonly evidence: EvidenceFolder;
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

const TIDY_MS = 600_000;

export async function openVerification({ folder, log, ...options }: VerificationOptions): Promise<Verification> {
  const { evidence, problems } = await openEvidence(folder);
  for (const problem of problems) log.warn({ event: 'state' }, problem);
  const onTrouble = (message: string): void => log.error({ event: 'verification' }, message);
  let senders: ReadonlySet<string> = new Set();
  const isThere = (sender: string): boolean => senders.has(sender);
  const prober = createProber({
    lookUp: (question) => lookUp(question, options.resolvers),
    evidenceOf: evidence.of,
    onEvidence: async (sender, found) => {
      // an object that came and went meanwhile leaves nothing behind
      if (!isThere(sender)) return;
      await evidence.keep(sender, found);
      options.onEvidence();
    },
    onTrouble,
  });
  const tidying = setInterval(() => {
    evidence.tidy(isThere, new Date()).catch((error: unknown) => onTrouble(`past senders: ${String(error)}`));
  }, TIDY_MS);

  return {
    evidence,
    follow: ({ statuses, lookups }) => {
      const before = senders;
      senders = new Set(
        statuses.flatMap(({ kind, meta }) => (kind === 'VerifiedSender' ? [`${meta.namespace}/${meta.name}`] : [])),
      );
      const asked = new Map(lookups.map((lookup) => [lookup.sender, lookup]));
      for (const sender of new Set([...before, ...senders])) prober.set(sender, asked.get(sender));
    },
    close: () => {
      clearInterval(tidying);
      prober.close();
    },
  };
}
