/** Makes, keeps and forgets the keys that the plan asks for, and looks up their records. */
import { selectorsOf } from '../core/senders/dkim-keys.ts';
import type { DkimGeneration, DkimKeys, KeysWish } from '../core/senders/dkim-model.ts';
import type { SenderEvidence } from '../core/model.ts';
import type { KeyLookup, SigningPlan } from '../core/senders/look-ups.ts';
import { formatTime } from '../core/time.ts';
import { createDueTurns } from './due-turns.ts';
import type { EvidenceStore } from './evidence-store.ts';
import { judgeKeyRecord } from './key-record.ts';
import { lookUp, type Resolvers } from './look-up.ts';
import { makeKeys } from './make-keys.ts';
import { forgetPastSenders } from './past-senders.ts';
import { createProber } from './prober.ts';

export interface SigningOptions {
  readonly resolvers: Resolvers;
  /** Undefined: what is known has not been read yet. */
  readonly evidence: () => EvidenceStore<SenderEvidence> | undefined;
  readonly keys: () => EvidenceStore<DkimKeys> | undefined;
  readonly isThere: (sender: string) => boolean;
  /** Other keys, or other evidence about their records, are known of a sender. */
  readonly onChange: (sender: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly now?: () => Date;
}

export interface Signing {
  /** What the latest plan says of a sender; undefined: nothing any more. */
  readonly follow: (sender: string, plan: SigningPlan | undefined) => void;
  readonly isIdle: () => boolean;
  readonly close: () => void;
}

/** A key with RSA takes a core for a tenth of a second and more. */
const MADE_AT_ONCE = 1;
const SHORTEST_MS = 1000;

export function startSigning(options: SigningOptions): Signing {
  const { now = () => new Date() } = options;
  const keepers = createKeepers({ ...options, now });
  const records = createRecords({ ...options, now });
  const past = forgetPastSenders({
    store: options.keys,
    isThere: options.isThere,
    onError: (error) => options.onTrouble(`keys of past senders: ${String(error)}`),
    now,
  });
  return {
    follow: (sender, plan) => {
      keepers.set(sender, plan?.wish);
      records.follow(sender, plan?.lookups ?? []);
    },
    isIdle: () => keepers.isIdle() && records.isIdle(),
    close: () => {
      past.close();
      keepers.close();
      records.close();
    },
  };
}

type Clocked = SigningOptions & { readonly now: () => Date };

function createKeepers({ keys, isThere, onChange, onTrouble, now }: Clocked) {
  /** Kept before anybody is told: a relay must not sign with what the next process does not know. */
  async function keep(sender: string, { domain, basis, kept, retiring, isNewWanted }: KeysWish): Promise<void> {
    const store = keys();
    const isOutOfDate = () => selectorsOf(store?.of(sender)?.generations).join() !== basis.join();
    if (store === undefined || isOutOfDate()) return;
    const made = isNewWanted ? [await makeKeys(now())] : [];
    // an object that came and went meanwhile leaves nothing behind
    if (!isThere(sender) || isOutOfDate()) return;
    const time = formatTime(now());
    const isRetiring = (one: DkimGeneration) => selectorsOf([one]).some((selector) => retiring.includes(selector));
    const generations = [...kept.map((one) => (isRetiring(one) ? { ...one, retiredTime: time } : one)), ...made];
    await (generations.length === 0 ? store.forget([sender]) : store.keep(sender, { domain, generations }));
    onChange(sender);
  }

  return createDueTurns<KeysWish>({
    dueOf: () => new Date(0),
    act: keep,
    onError: (sender, error) => onTrouble(`VerifiedSender ${sender}: its keys could not be kept: ${String(error)}`),
    now,
    atOnce: MADE_AT_ONCE,
    shortestMs: SHORTEST_MS,
  });
}

/** Look-ups of key records, each under the sender and the selector: `NAMESPACE/NAME SELECTOR`. */
function createRecords({ resolvers, evidence, isThere, onChange, onTrouble, now }: Clocked) {
  const asked = new Map<string, readonly KeyLookup[]>();
  const recordsOf = (sender: string) => evidence()?.of(sender)?.keyRecords ?? {};
  const prober = createProber({
    lookUp: (question) => lookUp(question, resolvers, judgeKeyRecord),
    evidenceOf: (key) => {
      const [sender = '', selector = ''] = key.split(' ');
      return recordsOf(sender)[selector];
    },
    onEvidence: async (key, found) => {
      const [sender = '', selector = ''] = key.split(' ');
      const current = asked.get(sender)?.map((lookup) => lookup.selector) ?? [];
      if (!isThere(sender) || !current.includes(selector)) return;
      // of keys that are gone nothing need be known any more
      const others = Object.entries(recordsOf(sender)).filter(([other]) => current.includes(other));
      await evidence()?.keep(sender, { keyRecords: { ...Object.fromEntries(others), [selector]: found } });
      onChange(sender);
    },
    onTrouble,
    now,
  });

  return {
    follow: (sender: string, lookups: readonly KeyLookup[]): void => {
      const before = asked.get(sender) ?? [];
      if (lookups.length === 0) asked.delete(sender);
      else asked.set(sender, lookups);
      const wanted = new Map(lookups.map((lookup) => [lookup.selector, lookup]));
      for (const { selector } of before) if (!wanted.has(selector)) prober.set(`${sender} ${selector}`, undefined);
      for (const [selector, lookup] of wanted) prober.set(`${sender} ${selector}`, lookup);
    },
    isIdle: prober.isIdle,
    close: prober.close,
  };
}
