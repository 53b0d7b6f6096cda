/** Look-ups on a cluster: the plan asks for them, Secrets keep what they find, and the planner is told. */
import type { SenderEvidence } from '../../core/model.ts';
import type { DkimKeys } from '../../core/senders/dkim-model.ts';
import type { SenderPlan } from '../../core/senders/sender-plan.ts';
import type { Installation } from '../../installation.ts';
import type { Resolvers } from '../../verify/look-up.ts';
import { startLookUps } from '../../verify/start-look-ups.ts';
import { startRecords } from '../../verify/start-records.ts';
import type { KubeClient } from '../client/client.ts';
import { openEvidenceSecrets, type EvidenceSecrets } from '../write/evidence.ts';
import { SENDER_EVIDENCE, SIGNING_KEYS } from '../write/evidence-kinds.ts';

export interface Verification {
  /** Reads what is known. To be called once, by the leader, before anything is planned. */
  readonly load: () => Promise<void>;
  readonly evidenceOf: (sender: string) => SenderEvidence | undefined;
  readonly keysOf: (sender: string) => DkimKeys | undefined;
  /** What the latest plan says of senders; undefined: gone. */
  readonly follow: (senders: ReadonlyMap<string, SenderPlan | undefined>) => void;
  /** Whether no look-up is due or under way. */
  readonly isIdle: () => boolean;
  readonly close: () => Promise<void>;
}

export interface VerificationOptions {
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly installation: Installation;
  /** Absent: there are no look-ups. */
  readonly resolvers: Resolvers | undefined;
  readonly isThere: (sender: string) => boolean;
  /** There is other evidence about a sender. */
  readonly onEvidence: (sender: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly now: () => Date;
}

const NO_LOOKUPS: Verification = {
  load: () => Promise.resolve(),
  evidenceOf: () => undefined,
  keysOf: () => undefined,
  follow: () => undefined,
  isIdle: () => true,
  close: () => Promise.resolve(),
};

export function startVerification(client: KubeClient, options: VerificationOptions): Verification {
  const { resolvers, isThere, onEvidence, onTrouble, now } = options;
  if (resolvers === undefined) return NO_LOOKUPS;
  let store: EvidenceSecrets<SenderEvidence> | undefined;
  let keys: EvidenceSecrets<DkimKeys> | undefined;
  const lookUps = startLookUps({ resolvers, store: () => store, isThere, onEvidence, onTrouble, now });
  const records = startRecords({
    resolvers,
    isThere,
    onTrouble,
    now,
    evidence: () => store,
    keys: () => keys,
    onChange: onEvidence,
  });
  return {
    load: async () => {
      store = await openEvidenceSecrets(client, SENDER_EVIDENCE, options);
      keys = await openEvidenceSecrets(client, SIGNING_KEYS, options);
    },
    evidenceOf: (sender) => store?.of(sender),
    keysOf: (sender) => keys?.keptOf(sender),
    follow: (senders) => {
      for (const [key, plan] of senders) {
        lookUps.remember(key, plan?.vouching);
        lookUps.set(key, plan?.lookup);
        records.follow(key, plan?.records);
      }
    },
    isIdle: () => lookUps.isIdle() && records.isIdle(),
    close: async () => {
      lookUps.close();
      records.close();
      await Promise.all([store?.close(), keys?.close()]);
    },
  };
}
