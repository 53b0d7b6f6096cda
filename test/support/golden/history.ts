/** Random worlds for the properties of the core: few names, so that objects meet; every feature, and nonsense. */
import type { NamespaceLimits } from '../../../operator/settings/settings.ts';
import type { MailEvidence } from '../../../operator/core/mail-evidence.ts';
import fc from 'fast-check';
import { BUILT_IN_LIST } from '../../../operator/core/names.ts';
import type { UsageFact } from '../../../operator/core/usage.ts';
import type { DkimKeys } from '../../../operator/core/senders/dkim-model.ts';
import type {
  DnsEvidence,
  Kind,
  ObjectMeta,
  RawObject,
  RelaysFact,
  SecretView,
  UpstreamFact,
} from '../../../operator/core/model.ts';

export const NAMESPACES = ['shop', 'mail', 'lab'] as const;
const NAMES = ['a', 'b'] as const;
const DOMAINS = ['shop.example', 'eu.shop.example', 'mail.example'] as const;

const namespace = fc.constantFrom('shop', 'shop', ...NAMESPACES);
const name = fc.constantFrom(...NAMES);
const domain = fc.constantFrom('shop.example', 'shop.example', ...DOMAINS);
const address = fc.tuple(fc.constantFrom('orders', 'news'), domain).map((parts) => parts.join('@'));
const sender = fc.oneof(
  address,
  domain.map((text) => `@${text}`),
);
const allowedNamespaces = fc.constantFrom(
  { from: 'Same' },
  { from: 'All' },
  { from: 'Selector', selector: { matchLabels: { team: 'sales' } } },
);

/** Absent three times out of four: rare things must not hide the common ones. */
function rarely<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

function often<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 3, arbitrary });
}

const nonsense = fc.constantFrom<unknown>(undefined, null, 'text', [], { active: 'yes', limits: 3, domain: 5 });

const specs: Readonly<Record<Kind, fc.Arbitrary<unknown>>> = {
  SmtpPlusList: fc.record({
    relayClassName: rarely(fc.constantFrom('bulk', 'absent')),
    suspend: rarely(fc.boolean()),
    starttls: rarely(fc.constant('Optional')),
    allowedNamespaces: often(allowedNamespaces),
    upstream: rarely(fc.record({ host: fc.constant('relay.example'), credentialsSecretRef: fc.record({ name }) })),
    recipients: rarely(
      fc.record({
        allow: often(fc.uniqueArray(fc.constantFrom('@shop.example', 'x@qa.example', '@qa.example'))),
        otherwise: fc.constantFrom('Refuse', 'Capture'),
      }),
    ),
    senderPolicy: rarely(fc.record({ headerFrom: fc.constantFrom('Enforce', 'Audit') })),
    limits: rarely(fc.record({ messagesPerHour: fc.integer({ min: 1, max: 200 }) })),
    pauseAbove: rarely(fc.constant({ bounceRate: 10 })),
    delivery: rarely(
      fc.record({
        maxAge: fc.constantFrom('0s', '1m', '120h', '720h', '1000h'),
        delayNoticeAfter: fc.constantFrom('0s', '0ms', '500ms', '1m', '4h'),
      }),
    ),
  }),
  SmtpPlusUser: fc.record({
    listRef: rarely(fc.record({ name, namespace: often(namespace) })),
    username: rarely(fc.oneof({ weight: 8, arbitrary: address }, { weight: 1, arbitrary: fc.constant('a.shop') })),
    active: often(fc.constant(true)),
    senders: fc.option(fc.uniqueArray(sender, { maxLength: 3 }), { nil: undefined }),
    credentials: fc.option(
      fc.oneof(
        fc.record({ secretName: fc.constantFrom('a-smtp', 'c') }),
        fc.record({ passwordSecretRef: fc.record({ name }) }),
        fc.record({ deletionPolicy: fc.constant('Retain') }),
        fc.record({ secretTemplate: fc.constantFrom({ labels: { team: 'a' } }, { keys: { HOST: 'host' } }) }),
        fc.record({
          rotation: fc.record({
            interval: often(fc.constantFrom('1h', '30h')),
            overlap: fc.constantFrom(undefined, '0s', '1h'),
            trigger: rarely(fc.constantFrom('one', 'two')),
          }),
        }),
      ),
      { nil: undefined },
    ),
    expiresAt: rarely(fc.constantFrom('2025-12-01T00:00:00Z', '2026-01-09T00:00:00Z', '2026-01-03T01:00:00+01:00')),
    limits: rarely(fc.record({ messagesPerHour: fc.integer({ min: 1, max: 200 }), messagesPerMonth: fc.constant(10) })),
    pauseAbove: rarely(fc.constantFrom({ bounceRate: 5 }, { bounceRate: 50, of: 10 })),
    mode: rarely(fc.constant('Sandbox')),
  }),
  VerifiedSender: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        domain,
        includeSubdomains: often(fc.boolean()),
        allowedNamespaces: often(allowedNamespaces),
        dkim: often(fc.record({ signing: fc.constant('Enabled'), interval: often(fc.constant('336h')) })),
        dns: often(fc.constant({ publish: 'DNSEndpoint' })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        address,
        allowedNamespaces: often(allowedNamespaces),
        email: rarely(fc.record({ code: fc.constantFrom('RIGHT', 'WRONG0', 'other') })),
      }),
    },
  ),
};

const RESEND = { 'smtpplus.io/resend': 'once', 'smtpplus.io/resume': 'once' };
const kind = fc.constantFrom<Kind>('SmtpPlusList', 'SmtpPlusUser', 'SmtpPlusUser', 'VerifiedSender');

export const object: fc.Arbitrary<RawObject> = fc
  .tuple(kind, namespace, name, fc.integer({ min: 0, max: 9 }), fc.boolean(), fc.integer({ min: 0, max: 15 }))
  .chain(([kind, namespace, name, age, isDefault, odds]) => {
    const meta: ObjectMeta = {
      namespace,
      name,
      uid: `${kind}-${namespace}-${name}-${age}`,
      generation: 1 + age,
      labels: {},
      annotations: !isDefault ? {} : kind === 'SmtpPlusList' ? { 'smtpplus.io/default-list': 'true' } : RESEND,
      ...(age < 8 && { creationTimestamp: `2025-0${1 + age}-01T00:00:00Z` }),
      ...(odds === 1 && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    };
    return (odds === 0 ? nonsense : specs[kind]).map((spec) => ({ kind, meta, spec }));
  });

/** Secrets of people: some carry a password or an upstream's credentials, and some sit where ours would be. */
export const foreignSecret: fc.Arbitrary<SecretView> = fc
  .record({
    namespace,
    name: fc.constantFrom('a', 'a', 'b', 'b', 'a-smtp', 'c'),
    value: fc.constantFrom('one', 'two'),
    labels: fc.constantFrom({}, { 'smtpplus.io/upstream': 'true' }),
  })
  .map(({ namespace, name, value, labels }) => ({
    namespace,
    name,
    type: 'Opaque',
    labels,
    annotations: {},
    data: { password: `a secret of people ${value}\n`, username: 'people' },
    verifiers: { password: `argon2id-of-${value}` },
  }));

/** What a look-up finds: mostly about the very record that the sender asks for. */
export interface Finding {
  readonly outcome: DnsEvidence['outcome'];
  /** When the record was first missed, before the look-up. */
  readonly hoursMissed: number;
  /** The domain that was asked for, where it is not the sender's (any more). */
  readonly strayDomain: string | undefined;
}

const finding: fc.Arbitrary<Finding> = fc.record({
  outcome: fc.constantFrom('found', 'found', 'absent', 'mismatch', 'failed'),
  hoursMissed: fc.integer({ min: 0, max: 100 }),
  strayDomain: rarely(domain),
});

export function evidenceOf({ meta, spec }: RawObject, finding: Finding, now: Date): DnsEvidence {
  const { outcome, hoursMissed, strayDomain } = finding;
  const domain = strayDomain ?? (spec as { readonly domain?: string } | undefined)?.domain ?? 'no.example';
  const base = {
    recordName: `_smtpplus-challenge.${domain}`,
    recordValue: `smtpplus-verification=token-of-${meta.namespace}-for-${domain}`,
    time: now.toISOString(),
    outcome,
    detail: 'detail.',
    attempts: 1 + (hoursMissed % 10),
    since: new Date(now.getTime() - hoursMissed * 3_600_000).toISOString(),
    jitter: 0.5,
  };
  if (outcome === 'found') return { ...base, foundTime: base.time };
  if (hoursMissed % 4 === 0) return base;
  const missingSince = new Date(now.getTime() - hoursMissed * 3_600_000).toISOString();
  const isMissing = outcome !== 'failed' || hoursMissed % 4 === 1;
  return { ...base, foundTime: '2025-12-01T00:00:00Z', ...(isMissing && { missingSince }) };
}

/** Keys as somebody might find them: of any age, retired or not, seen in the DNS or not. */
export interface KnownKeys {
  readonly hoursOld: number;
  readonly hoursRetired: number | undefined;
  readonly seen: DnsEvidence['outcome'] | undefined;
}

const knownKeys: fc.Arbitrary<KnownKeys> = fc.record({
  hoursOld: fc.integer({ min: 0, max: 600 }),
  hoursRetired: rarely(fc.integer({ min: 0, max: 200 })),
  seen: fc.option(fc.constantFrom('found', 'found', 'absent', 'mismatch', 'failed'), { nil: undefined }),
});

/** Of all keys here, to be looked for where none may stand. */
export const PRIVATE_KEY = 'PRIVATE0';
/** What the upstream needs, by the settings. */
export const SPF_INCLUDE = '_spf.upstream.example';

export function keysOf(
  { spec }: RawObject,
  known: readonly KnownKeys[],
  now: Date,
): { keys: DkimKeys | undefined; records: Readonly<Record<string, DnsEvidence>> } {
  const domain = (spec as { readonly domain?: string } | undefined)?.domain ?? 'no.example';
  const before = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();
  const records: Record<string, DnsEvidence> = {};
  const generations = known.map(({ hoursOld, hoursRetired, seen }, i) => {
    const selector = `s${hoursOld}-${i}`;
    const recordName = `${selector}._domainkey.${domain}`;
    const base = { recordName, recordValue: 'v=DKIM1; k=rsa; p=AAAA', time: now.toISOString(), detail: 'detail.' };
    if (seen !== undefined) {
      const isFound = seen === 'found' ? { foundTime: base.time } : {};
      records[selector] = { ...base, ...isFound, outcome: seen, attempts: 1, since: before(1), jitter: 0.5 };
    }
    return {
      createdTime: before(hoursOld),
      ...(hoursRetired !== undefined && { retiredTime: before(hoursRetired) }),
      keys: [{ algorithm: 'rsa-sha256' as const, selector, privateKey: PRIVATE_KEY, publicKey: 'AAAA' }],
    };
  });
  for (const { seen } of known) if (seen !== undefined) Object.assign(records, mailRecordsOf(domain, seen, now));
  return { keys: known.length === 0 ? undefined : { domain, generations }, records };
}

/** What was found of SPF and DMARC. */
function mailRecordsOf(domain: string, outcome: DnsEvidence['outcome'], now: Date): Record<string, DnsEvidence> {
  const time = now.toISOString();
  const foundTime = outcome === 'found' ? { foundTime: time } : {};
  const base = { time, outcome, detail: 'detail.', attempts: 1, since: time, jitter: 0.5, ...foundTime };
  const [spf, dmarc] = ['v=spf1 mx -all', 'v=DMARC1; p=reject'];
  return {
    spf: { ...base, recordName: domain, recordValue: SPF_INCLUDE, seen: spf },
    dmarc: { ...base, recordName: `_dmarc.${domain}`, recordValue: 'v=DMARC1', seen: dmarc },
  };
}

/** What has become of a mail to an address. */
export interface Mishap {
  readonly became: 'proven' | 'sent' | 'tried' | 'void' | 'limited' | 'failed' | 'lost';
  readonly hoursAgo: number;
}

const mishap: fc.Arbitrary<Mishap> = fc.record({
  became: fc.constantFrom('proven', 'sent', 'tried', 'void', 'limited', 'failed', 'lost'),
  hoursAgo: fc.integer({ min: 0, max: 30 }),
});

export function mailEvidenceOf(key: string, { became, hoursAgo }: Mishap, now: Date): MailEvidence {
  const at = (hours: number): string => new Date(now.getTime() + hours * 3_600_000).toISOString();
  const linkHash = 'link';
  const wrong = (count: number): string[] => Array.from({ length: count }, (_, i) => `link-WRONG${i}-of-${key}`);
  const wrongCodes = wrong({ tried: 2, void: 5 }[became as string] ?? 0);
  const challenge = { linkHash, codeHash: `link-RIGHT-of-${key}`, expiryTime: at(24 - hoursAgo), wrongCodes };
  const limit = became === 'limited' ? { limit: 'Address' as const } : {};
  return {
    mails: [at(-hoursAgo)],
    heeded: hoursAgo % 2 === 0 ? ['once'] : [],
    ...(hoursAgo % 7 === 6 && { goneSince: at(-hoursAgo) }),
    challenge: became === 'lost' ? challenge : { ...challenge, sentTime: at(-hoursAgo) },
    ...(became === 'proven' && { proof: { time: at(-hoursAgo), by: 'Link', linkHash } }),
    ...((became === 'limited' || became === 'failed') && {
      trouble: { ...limit, message: 'trouble', retryTime: at(1), attempts: 1 },
    }),
  };
}

export type Step =
  | { readonly does: 'put'; readonly object: RawObject }
  /** Gives an object of the same kind another spec. */
  | { readonly does: 'edit'; readonly which: number; readonly like: RawObject }
  | { readonly does: 'delete'; readonly which: number }
  | { readonly does: 'put Secret'; readonly secret: SecretView }
  | SecretStep
  | { readonly does: 'label'; readonly namespace: string; readonly labels: Readonly<Record<string, string>> }
  | { readonly does: 'look up'; readonly which: number; readonly finding: Finding }
  | { readonly does: 'keep keys'; readonly which: number; readonly generations: readonly KnownKeys[] }
  | { readonly does: 'mail'; readonly which: number; readonly mishap: Mishap }
  | { readonly does: 'program'; readonly state: 'Unknown' | 'Programmed' | 'Lagging' }
  | { readonly does: 'tell'; readonly fact: RelaysFact }
  | { readonly does: 'use'; readonly which: number; readonly fact: UsageFact }
  | { readonly does: 'wait'; readonly hours: number };

/** Few enough that histories come up against them; or none. */
export const namespaceLimits: fc.Arbitrary<NamespaceLimits | undefined> = fc.option(
  fc.record({
    users: fc.integer({ min: 0, max: 3 }),
    lists: fc.integer({ min: 0, max: 2 }),
    senders: fc.integer({ min: 0, max: 2 }),
    namespaces: fc.constantFrom<NamespaceLimits['namespaces']>({}, { shop: { users: 1, lists: 3 } }),
  }),
  { nil: undefined },
);
/** Mishaps with Secrets. */
export type SecretStep =
  | { readonly does: 'delete Secret' | 'edit Secret' | 'orphan Secret'; readonly which: number }
  /** One that an operator has written at some time, as it was then. */
  | { readonly does: 'restore Secret'; readonly which: number; readonly isOwned: boolean };
const RELAYS = ['relay-0', 'relay-1'];
const someRelays = fc.subarray(RELAYS);
const upstreamFact: fc.Arbitrary<UpstreamFact> = fc
  .record({ failing: someRelays, hour: fc.nat(3) })
  .map(({ failing, hour }) => {
    const of = RELAYS.length;
    if (failing.length === 0) return { failing, of };
    const [since, time] = ['2026-01-01T00:00:00Z', `2026-01-01T0${hour}:00:00Z`];
    return { failing, of, trouble: { since, time, error: 'connect ECONNREFUSED' } };
  });

/** What relays tell of themselves, and of what became of the mail of some lists. */
const relaysFact: fc.Arbitrary<RelaysFact> = fc
  .record({
    isSilent: fc.integer({ min: 0, max: 7 }).map((odds) => odds === 0),
    full: fc.constantFrom([], [], [], [], [], RELAYS, ['relay-1']),
    upstreams: fc.dictionary(fc.constantFrom('shop/a', 'shop/b', BUILT_IN_LIST), upstreamFact),
  })
  .map(({ isSilent, full, upstreams }) => {
    if (isSilent) return { isSilent, of: 0, full: [], upstreams: new Map() };
    return { isSilent, of: RELAYS.length, full, upstreams: new Map(Object.entries(upstreams)) };
  });

const which = fc.nat(30);

const PAUSED = { since: '2026-01-01T00:00:00Z', bounced: 11, of: 100, resume: '' };
const COUNTED = {
  since: '2026-01-01T00:00:00Z',
  accepted: 1,
  recipients: 1,
  bytes: 500,
  delivered: 1,
  bounced: 0,
  deferred: 0,
  refused: 0,
};

/** What relays have counted of an object, at times that may be to come. */
const usageFact: fc.Arbitrary<UsageFact> = fc.record({
  traffic: rarely(fc.constantFrom(COUNTED, { ...COUNTED, accepted: 2 })),
  month: often(
    fc.constantFrom(
      { name: '2026-01', messages: 0 },
      { name: '2026-01', messages: 8 },
      { name: '2026-01', messages: 10 },
      { name: '2026-02', messages: 7 },
    ),
  ),
  paused: rarely(fc.constantFrom(PAUSED, { ...PAUSED, resume: 'once' })),
  lastUsedTime: often(fc.constantFrom('2025-12-31T00:00:00Z', '2026-01-02T00:00:00Z', '2027-01-01T00:00:00Z')),
});

export const secretStep: fc.Arbitrary<SecretStep> = fc.oneof(
  fc.record({
    does: fc.constantFrom('delete Secret' as const, 'edit Secret' as const, 'orphan Secret' as const),
    which,
  }),
  fc.record({ does: fc.constant('restore Secret' as const), which, isOwned: fc.boolean() }),
);

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: object.map((object) => ({ does: 'put', object }) as const) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant('edit' as const), which, like: object }) },
  { weight: 3, arbitrary: which.map((which) => ({ does: 'delete', which }) as const) },
  { weight: 3, arbitrary: foreignSecret.map((secret) => ({ does: 'put Secret', secret }) as const) },
  { weight: 5, arbitrary: secretStep },
  {
    weight: 2,
    arbitrary: fc
      .record({ namespace, labels: fc.constantFrom({}, { team: 'sales' }) })
      .map(({ namespace, labels }) => ({ does: 'label', namespace, labels }) as const),
  },
  { weight: 8, arbitrary: fc.record({ does: fc.constant('look up' as const), which, finding }) },
  { weight: 8, arbitrary: fc.record({ does: fc.constant('mail' as const), which, mishap }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('keep keys' as const),
      which,
      generations: fc.array(knownKeys, { maxLength: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('Unknown' as const, 'Programmed' as const, 'Lagging' as const)
      .map((state) => ({ does: 'program', state }) as const),
  },
  { weight: 10, arbitrary: relaysFact.map((fact) => ({ does: 'tell', fact }) as const) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant('use' as const), which, fact: usageFact }) },
  { weight: 1, arbitrary: fc.constant({ does: 'wait', hours: 24 * 91 } as const) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 60 }).map((hours) => ({ does: 'wait', hours }) as const) },
);
