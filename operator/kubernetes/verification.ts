/** Look-ups on a cluster: the plan asks for them, what they find is kept in Secrets, and the planner is told. */
import type { DnsEvidence } from '../core/model.ts';
import type { SenderPlan } from '../core/senders/senders.ts';
import type { EvidenceStore } from '../verify/evidence-store.ts';
import { lookUp, type Resolvers } from '../verify/look-up.ts';
import { createProber } from '../verify/prober.ts';
import type { KubeClient } from './client/client.ts';
import { openEvidenceSecrets } from './write/evidence.ts';

export interface Verification {
  /** Reads what is known. To be called once, by the leader, before anything is planned. */
  readonly load: () => Promise<void>;
  readonly evidenceOf: (sender: string) => DnsEvidence | undefined;
  /** What the latest plan says of senders; undefined: gone. */
  readonly follow: (senders: ReadonlyMap<string, SenderPlan | undefined>) => void;
  /** Whether no look-up is due or under way. */
  readonly isIdle: () => boolean;
  readonly close: () => void;
}

export interface VerificationOptions {
  /** The operator's own namespace. */
  readonly namespace: string;
  /** Absent: there are no look-ups. */
  readonly resolvers: Resolvers | undefined;
  readonly isThere: (sender: string) => boolean;
  /** There is other evidence about a sender. */
  readonly onEvidence: (sender: string) => void;
  readonly onTrouble: (message: string) => void;
}

const TIDY_MS = 600_000;

const NO_LOOKUPS: Verification = {
  load: () => Promise.resolve(),
  evidenceOf: () => undefined,
  follow: () => undefined,
  isIdle: () => true,
  close: () => undefined,
};

export function startVerification(client: KubeClient, options: VerificationOptions): Verification {
  const { resolvers, isThere, onTrouble } = options;
  if (resolvers === undefined) return NO_LOOKUPS;
  let store: EvidenceStore | undefined;
  const evidenceOf: Verification['evidenceOf'] = (sender) => store?.of(sender);
  const prober = createProber({
    lookUp: (question) => lookUp(question, resolvers),
    evidenceOf,
    onEvidence: async (sender, evidence) => {
      // an object that came and went meanwhile leaves nothing behind
      if (!isThere(sender)) return;
      await store?.keep(sender, evidence);
      options.onEvidence(sender);
    },
    onTrouble,
  });
  const tidying = setInterval(() => {
    store?.tidy(isThere, new Date()).catch((error: unknown) => onTrouble(`evidence of past senders: ${String(error)}`));
  }, TIDY_MS);
  return {
    load: async () => {
      store = await openEvidenceSecrets(client, options);
    },
    evidenceOf,
    follow: (senders) => {
      for (const [key, plan] of senders) prober.set(key, plan?.lookup);
    },
    isIdle: prober.isIdle,
    close: () => {
      clearInterval(tidying);
      prober.close();
    },
  };
}
