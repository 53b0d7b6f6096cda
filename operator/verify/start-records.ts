/** Looks up the records that make mail arrive; makes, keeps and forgets the keys that it is signed with. */
import { selectorsOf } from '../core/senders/dkim-keys.ts';
import type { DkimGeneration, DkimKeys, KeysWish } from '../core/senders/dkim-model.ts';
import type { SenderEvidence } from '../core/model.ts';
import type { RecordLookup, RecordsPlan } from '../core/senders/look-ups.ts';
import { formatTime } from '../core/time.ts';
import { createDueTurns } from './due-turns.ts';
import type { EvidenceStore } from './evidence-store.ts';
import { lookAtDmarc } from './dmarc-record.ts';
import { lookAtKey } from './key-record.ts';
import { lookUp, type AskRecord, type Resolvers } from './look-up.ts';
import { makeKeys } from './make-keys.ts';
import { forgetPastSenders } from './past-senders.ts';
import { createProber } from './prober.ts';
import { lookAtSpf } from './spf-record.ts';

export interface RecordsOptions {
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

export interface Records {
  /** What the latest plan says of a sender; undefined: nothing any more. */
  readonly follow: (sender: string, plan: RecordsPlan | undefined) => void;
  readonly isIdle: () => boolean;
  readonly close: () => void;
}

/** A key with RSA takes a core for a tenth of a second and more. */
const MADE_AT_ONCE = 1;
const SHORTEST_MS = 1000;

export function startRecords(options: RecordsOptions): Records {
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

type Clocked = RecordsOptions & { readonly now: () => Date };

function createKeepers({ keys, isThere, onChange, onTrouble, now }: Clocked) {
  /** Told once they are kept: nobody is to publish what the next process does not know, and no relay to sign with it. */
  async function keep(sender: string, { domain, basis, kept, retiring, isNewWanted }: KeysWish): Promise<void> {
    const store = keys();
    const isOutOfDate = () => selectorsOf(store?.keptOf(sender)?.generations).join() !== basis.join();
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

const LOOKS: Readonly<Record<RecordLookup['purpose'], AskRecord>> = {
  Key: lookAtKey,
  SPF: lookAtSpf,
  DMARC: lookAtDmarc,
};

/** Look-ups of records, each under the sender and its own id: `NAMESPACE/NAME ID`. */
function createRecords({ resolvers, evidence, isThere, onChange, onTrouble, now }: Clocked) {
  const asked = new Map<string, readonly RecordLookup[]>();
  const recordsOf = (sender: string) => evidence()?.of(sender)?.records ?? {};
  const prober = createProber<RecordLookup>({
    lookUp: (lookup) => lookUp(lookup, resolvers, LOOKS[lookup.purpose]),
    evidenceOf: (key) => {
      const [sender = '', id = ''] = key.split(' ');
      return recordsOf(sender)[id];
    },
    onEvidence: async (key, found) => {
      const [sender = '', id = ''] = key.split(' ');
      const current = asked.get(sender)?.map((lookup) => lookup.id) ?? [];
      if (!isThere(sender) || !current.includes(id)) return;
      // nothing about keys that are gone need be known any longer
      const others = Object.entries(recordsOf(sender)).filter(([other]) => current.includes(other));
      await evidence()?.keep(sender, { records: { ...Object.fromEntries(others), [id]: found } });
      onChange(sender);
    },
    onTrouble,
    now,
  });

  return {
    follow: (sender: string, lookups: readonly RecordLookup[]): void => {
      const before = asked.get(sender) ?? [];
      if (lookups.length === 0) asked.delete(sender);
      else asked.set(sender, lookups);
      const wanted = new Map(lookups.map((lookup) => [lookup.id, lookup]));
      for (const { id } of before) if (!wanted.has(id)) prober.set(`${sender} ${id}`, undefined);
      for (const [id, lookup] of wanted) prober.set(`${sender} ${id}`, lookup);
    },
    isIdle: prober.isIdle,
    close: prober.close,
  };
}
