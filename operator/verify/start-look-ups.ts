/**
 * Makes the look-ups that the plan asks for, keeps what they find, and forgets senders that have been gone for a while.
 */
import type { SenderEvidence, Vouching } from '../core/model.ts';
import type { EvidenceStore } from './evidence-store.ts';
import { lookUp, type Resolvers } from './look-up.ts';
import { forgetPastSenders } from './past-senders.ts';
import { createProber, type Prober } from './prober.ts';
import { isEqual } from '../core/equal.ts';

export interface LookUpsOptions {
  readonly resolvers: Resolvers;
  /** Undefined: what is known has not been read yet. */
  readonly store: () => EvidenceStore<SenderEvidence> | undefined;
  readonly isThere: (sender: string) => boolean;
  /** There is other evidence about a sender. */
  readonly onEvidence: (sender: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly now?: () => Date;
}

export interface LookUps extends Prober {
  /** Remembers what the plan says of a sender that the settings vouch for, or have vouched for. */
  readonly remember: (sender: string, vouching: Vouching | undefined) => void;
}

export function startLookUps(options: LookUpsOptions): LookUps {
  const { resolvers, store, isThere, onEvidence, onTrouble, now = () => new Date() } = options;
  const prober = createProber({
    lookUp: (question) => lookUp(question, resolvers),
    evidenceOf: (sender) => store()?.of(sender)?.dns,
    onEvidence: async (sender, dns) => {
      // an object that came and went meanwhile leaves nothing behind
      if (!isThere(sender)) return;
      await store()?.keep(sender, { dns });
      onEvidence(sender);
    },
    onTrouble,
    now,
  });
  const past = forgetPastSenders({
    store,
    isThere,
    onError: (error) => onTrouble(`evidence of past senders: ${String(error)}`),
    now,
  });
  const close = (): void => {
    past.close();
    prober.close();
  };
  const remember: LookUps['remember'] = (sender, vouching) => {
    if (vouching === undefined || isEqual(store()?.of(sender)?.vouching, vouching)) return;
    const kept = store()?.keep(sender, { vouching });
    kept?.catch((error: unknown) =>
      onTrouble(`VerifiedSender ${sender}: what it was could not be kept: ${String(error)}`),
    );
  };
  return { ...prober, remember, close };
}
