/** Random worlds for the properties of the core: few names, so that objects meet; every feature, and nonsense. */
import fc from 'fast-check';
import type { DnsEvidence, Kind, ObjectMeta, RawObject, SecretView } from '../../../operator/core/model.ts';

export const NAMESPACES = ['shop', 'mail', 'lab'] as const;
const NAMES = ['a', 'b', 'c'] as const;
const DOMAINS = ['shop.example', 'eu.shop.example', 'mail.example'] as const;

const namespace = fc.constantFrom(...NAMESPACES);
const name = fc.constantFrom(...NAMES);
const domain = fc.constantFrom(...DOMAINS);
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

function some<Shape extends object>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }): fc.Arbitrary<object> {
  return fc.record(shape, { requiredKeys: [] });
}

const nonsense = fc.constantFrom<unknown>(undefined, null, 'text', [], { active: 'yes', limits: 3, domain: 5 });

const specs: Readonly<Record<Kind, fc.Arbitrary<unknown>>> = {
  SmtpPlusList: some({
    relayClass: fc.constantFrom('default', 'default', 'bulk', 'absent'),
    suspended: fc.boolean(),
    starttls: fc.constantFrom('Required', 'Optional'),
    allowedNamespaces,
    upstream: fc.record({ host: fc.constant('relay.example'), credentialsSecretRef: fc.record({ name }) }),
    senderPolicy: some({ headerFrom: fc.constantFrom('Enforce', 'Audit') }),
    limits: some({ messagesPerHour: fc.integer({ min: 1, max: 200 }) }),
  }),
  SmtpPlusUser: some({
    listRef: fc.record({ name, namespace }, { requiredKeys: ['name'] }),
    username: fc.oneof(address, fc.constantFrom('a.shop', 'b.mail')),
    active: fc.boolean(),
    senders: fc.uniqueArray(sender, { maxLength: 3 }),
    credentials: fc.oneof(
      some({ secretName: fc.constantFrom('a-smtp', 'c'), passwordSecretRef: fc.record({ name }) }),
      fc.record({
        rotation: some({
          interval: fc.constantFrom('1h', '30h'),
          overlap: fc.constantFrom('0s', '1h'),
          trigger: fc.constantFrom('one', 'two'),
        }),
      }),
    ),
    mode: fc.constantFrom('Live', 'Sandbox'),
  }),
  VerifiedSender: fc.oneof(
    fc.record({ domain, includeSubdomains: fc.boolean(), allowedNamespaces }, { requiredKeys: ['domain'] }),
    fc.record({ address, allowedNamespaces }, { requiredKeys: ['address'] }),
  ),
};

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
      annotations: kind === 'SmtpPlusList' && isDefault ? { 'smtpplus.io/default-list': 'true' } : {},
      ...(age < 8 && { creationTimestamp: `2025-0${1 + age}-01T00:00:00Z` }),
      ...(odds === 1 && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    };
    return (odds === 0 ? nonsense : specs[kind]).map((spec) => ({ kind, meta, spec }));
  });

/** Secrets of people: some carry a password or an upstream's credentials, and some sit where ours would be. */
export const foreignSecret: fc.Arbitrary<SecretView> = fc
  .record({ namespace, name: fc.constantFrom('a', 'b', 'c', 'a-smtp', 'b-smtp'), value: fc.constantFrom('one', 'two') })
  .map(({ namespace, name, value }) => ({
    namespace,
    name,
    type: 'Opaque',
    labels: {},
    annotations: {},
    data: { password: `a secret of people ${value}\n`, username: 'people' },
    verifiers: { password: `argon2id-of-${value}` },
  }));

export const evidence: fc.Arbitrary<{ readonly key: string; readonly evidence: DnsEvidence }> = fc
  .record({
    namespace,
    name,
    domain,
    outcome: fc.constantFrom<DnsEvidence['outcome']>('found', 'absent', 'mismatch', 'failed'),
    day: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ namespace, name, domain, outcome, day }) => {
    const time = `2026-01-0${day}T00:00:00Z`;
    const base = {
      recordName: `_smtpplus-challenge.${domain}`,
      recordValue: `smtpplus-verification=token-of-${namespace}-for-${domain}`,
      time,
      outcome,
      detail: 'detail.',
      attempts: day,
    };
    const isFound = outcome === 'found';
    const lost = { foundTime: '2025-12-31T00:00:00Z', missingSince: time };
    const history = isFound ? { foundTime: time } : day % 2 === 0 ? lost : {};
    return { key: `${namespace}/${name}`, evidence: { ...base, ...history } };
  });

export type Step =
  | { readonly does: 'put'; readonly object: RawObject }
  | { readonly does: 'delete'; readonly which: number }
  | { readonly does: 'put Secret'; readonly secret: SecretView }
  | { readonly does: 'delete Secret' | 'edit Secret'; readonly which: number }
  | { readonly does: 'label'; readonly namespace: string; readonly labels: Readonly<Record<string, string>> }
  | { readonly does: 'look up'; readonly key: string; readonly evidence: DnsEvidence }
  | { readonly does: 'program'; readonly state: 'Unknown' | 'Programmed' | 'Lagging' }
  | { readonly does: 'wait'; readonly hours: number };

const which = fc.nat(30);

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: object.map((object) => ({ does: 'put', object }) as const) },
  { weight: 3, arbitrary: which.map((which) => ({ does: 'delete', which }) as const) },
  { weight: 3, arbitrary: foreignSecret.map((secret) => ({ does: 'put Secret', secret }) as const) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constantFrom('delete Secret' as const, 'edit Secret' as const), which }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ namespace, labels: fc.constantFrom({}, { team: 'sales' }) })
      .map(({ namespace, labels }) => ({ does: 'label', namespace, labels }) as const),
  },
  { weight: 4, arbitrary: evidence.map(({ key, evidence }) => ({ does: 'look up', key, evidence }) as const) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('Unknown' as const, 'Programmed' as const, 'Lagging' as const)
      .map((state) => ({ does: 'program', state }) as const),
  },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }).map((hours) => ({ does: 'wait', hours }) as const) },
);
