import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { covers, parseMailbox } from '../../relay/address.ts';
import {
  classDocumentSchema,
  CREDENTIALS_MAX,
  shardDocumentSchema,
  type Credential,
  type DkimSigner,
  type SenderRule,
} from '../../relay/config/config.ts';
import {
  apply,
  createCluster,
  createNotes,
  happen,
  snapshotOf,
  verifiers,
  type Cluster,
} from '../../test/support/golden/cluster.ts';
import type { SenderStatus } from '../api/sender.ts';
import { foreignSecret, object, PRIVATE_KEY, secretStep, step, type Step } from '../../test/support/golden/history.ts';
import { goldenIssuer } from '../../test/support/golden/passwords.ts';
import { OPERATOR_USER } from './names.ts';
import { keyOf, type Plan, type RawObject } from './model.ts';
import { plan } from './plan.ts';

const foreignSecretStep = foreignSecret.map((secret) => ({ does: 'put Secret', secret }) as const);

const NUM_RUNS = { numRuns: 300 };

/** A cluster after a random history, some of it with an operator at work and some without. */
const worlds = fc
  .array(fc.tuple(step, fc.boolean()), { minLength: 1, maxLength: 30 })
  .map((history) => live(createCluster(), history));

function live(cluster: Cluster, history: readonly (readonly [Step, boolean])[]): Cluster {
  for (const [one, isOperated] of history) {
    happen(cluster, one, createNotes());
    if (isOperated) apply(cluster, planOf(cluster), createNotes());
  }
  return cluster;
}

function planOf(cluster: Cluster): Plan {
  return plan(snapshotOf(cluster), cluster.now, goldenIssuer(cluster, verifiers.of));
}

describe('whatever people write', () => {
  test('no password stands in the plan but in Secrets', () => {
    fc.assert(
      fc.property(worlds, (cluster) => {
        const { secrets, relays, ...rest } = planOf(cluster);
        const heads = secrets.map(({ namespace, name, labels, annotations, owner }) => [
          namespace,
          name,
          labels,
          annotations,
          owner,
        ]);
        const passwords = [...secrets, ...cluster.secrets.values()].map(({ data }) => data['password'] ?? '');
        const users = [...relays.values()].flatMap(({ shards }) =>
          shards.map((shard) => [shard.users, shard.unusable]),
        );
        const said = JSON.stringify([rest, users, heads]);
        for (const password of passwords) assert.ok(!said.includes(password.trim()), password);
      }),
      NUM_RUNS,
    );
  });

  test('what a user may send as is what its namespace has verified or was allowed', () => {
    fc.assert(
      fc.property(worlds, (cluster) => {
        for (const { shards } of planOf(cluster).relays.values()) {
          const namespaces = Object.assign({}, ...shards.map((shard) => shard.namespaces)) as Record<
            string,
            SenderRule[]
          >;
          for (const [namespace, rules] of Object.entries(namespaces)) {
            for (const rule of rules) assertRight(cluster, namespace, rule);
          }
          for (const [name, user] of shards.flatMap((shard) => Object.entries(shard.users))) {
            if (name === OPERATOR_USER) {
              assert.deepEqual(
                user.senders?.map(({ sender }) => sender),
                ['verification@shop.example'],
              );
              continue;
            }
            assert.notEqual(user.list, OPERATOR_USER);
            for (const rule of user.senders ?? []) assertWithin(rule, namespaces[user.namespace] ?? []);
          }
        }
      }),
      NUM_RUNS,
    );
  });

  test('relays sign for domains that are proven, by keys that were seen in the DNS, for users who may send as them', () => {
    let signers = 0;
    fc.assert(
      fc.property(worlds, step, (cluster, last) => {
        const senders = [...cluster.objects.values()].filter(({ kind }) => kind === 'VerifiedSender');
        for (const which of senders.keys())
          for (const one of provenAndSigned(which)) happen(cluster, one, createNotes());
        happen(cluster, last, createNotes());
        for (const { shards } of planOf(cluster).relays.values()) {
          const rules = shards.flatMap((shard) => Object.values(shard.namespaces).flat());
          for (const [key, signer] of shards.flatMap((shard) => Object.entries(shard.dkim))) {
            signers++;
            assertSigns(cluster, key, signer);
            assert.ok(rules.some(({ object, verified }) => object === key && verified));
          }
        }
      }),
      // what is signed is rare: fewer runs may well have none
      { numRuns: 1500 },
    );
    assert.ok(signers > 0, 'no history had any');
  });

  test('external-dns is asked for the keys of verified domains, and for nothing else', () => {
    let asked = 0;
    fc.assert(
      fc.property(worlds, step, (cluster, last) => {
        const senders = [...cluster.objects.values()].filter(({ kind }) => kind === 'VerifiedSender');
        for (const which of senders.keys())
          for (const one of provenAndSigned(which)) happen(cluster, one, createNotes());
        happen(cluster, last, createNotes());
        const { endpoints, statuses } = planOf(cluster);
        for (const [key, records] of endpoints) {
          asked++;
          const { status } =
            statuses.find(({ kind, meta }) => kind === 'VerifiedSender' && keyOf(meta) === key) ?? assert.fail();
          const { sender, conditions = [] } = status as SenderStatus;
          assert.equal(conditions.find(({ type }) => type === 'Verified')?.status, 'True');
          for (const { name, value } of records) {
            assert.ok(name.endsWith(`._domainkey.${sender?.slice(1)}`), name);
            assert.match(value, /^v=DKIM1; /);
          }
        }
      }),
      { numRuns: 1500 },
    );
    assert.ok(asked > 0, 'no history had any');
  });

  test('private keys stand in the configuration of relays, and in what is kept of them, and nowhere else', () => {
    fc.assert(
      fc.property(worlds, (cluster) => {
        const { relays, records, endpoints, ...rest } = planOf(cluster);
        const shards = [...relays.values()].flatMap((documents) => documents.shards);
        const others = shards.map(({ lists, users, unusable, namespaces }) => [lists, users, unusable, namespaces]);
        const lookups = records.map((one) => one.lookups);
        assert.ok(!JSON.stringify([rest, others, lookups, [...endpoints]]).includes(PRIVATE_KEY));
      }),
      NUM_RUNS,
    );
  });

  test('a plan that was carried out has nothing more to do', () => {
    fc.assert(
      fc.property(worlds, (cluster) => {
        // a user made anew needs two: its former Secret goes first
        apply(cluster, planOf(cluster), createNotes());
        apply(cluster, planOf(cluster), createNotes());
        const before = JSON.stringify([[...cluster.secrets.values()], [...cluster.objects.values()]]);
        const again = planOf(cluster);
        apply(cluster, again, createNotes());
        assert.equal(JSON.stringify([[...cluster.secrets.values()], [...cluster.objects.values()]]), before);
        assert.deepEqual([again.events, again.secretsToDelete], [[], []]);
      }),
      NUM_RUNS,
    );
  });

  test('what relays accept goes on being accepted, whatever becomes of the Secrets, unless somebody wants it to end', () => {
    fc.assert(
      fc.property(worlds, fc.oneof(secretStep, foreignSecretStep), fc.boolean(), (cluster, mishap, isMemoryLost) => {
        apply(cluster, planOf(cluster), createNotes());
        apply(cluster, planOf(cluster), createNotes());
        const before = new Map(cluster.accepted);
        happen(cluster, mishap, createNotes());
        // a restart, after which only documents say what was told
        if (isMemoryLost) for (const [user, { credentials }] of before) cluster.accepted.set(user, { credentials });
        apply(cluster, planOf(cluster), createNotes());
        apply(cluster, planOf(cluster), createNotes());
        for (const [user, { credentials }] of before) assertAccepted(cluster, user, credentials);
      }),
      { numRuns: 1000 },
    );
  });

  test('a broken object changes nothing for the others', () => {
    fc.assert(
      fc.property(
        worlds,
        object,
        fc.constantFrom<unknown>('text', { relayClassName: 7, domain: 7, active: 7 }),
        (cluster, like, spec) => {
          const before = planOf(cluster);
          const meta = { ...like.meta, name: 'broken', uid: 'broken', annotations: {} };
          const broken: RawObject = { kind: like.kind, meta, spec };
          happen(cluster, { does: 'put', object: broken }, createNotes());
          const after = planOf(cluster);
          const others = {
            ...after,
            statuses: after.statuses.filter((one) => one.meta.uid !== 'broken'),
            events: after.events.filter((one) => one.meta.uid !== 'broken'),
          };
          assert.deepEqual(others, before);
          const expected = meta.deletionTimestamp === undefined ? 1 : 0;
          assert.equal(after.statuses.length - others.statuses.length, expected);
        },
      ),
      NUM_RUNS,
    );
  });

  test('the relay gets documents that its own schema accepts', () => {
    fc.assert(
      fc.property(worlds, (cluster) => {
        for (const relay of planOf(cluster).relays.values()) {
          assert.deepEqual(classDocumentSchema.parse(relay.class), relay.class);
          for (const shard of relay.shards) assert.deepEqual(shardDocumentSchema.parse(shard), shard);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** What it takes for mail of a sender to be signed. */
function provenAndSigned(which: number): Step[] {
  const seen = { hoursOld: 1, hoursRetired: undefined, seen: 'found' } as const;
  return [
    { does: 'look up', which, finding: { outcome: 'found', hoursMissed: 0, strayDomain: undefined } },
    { does: 'keep keys', which, generations: [seen] },
  ];
}

function assertSigns(cluster: Cluster, sender: string, { domain, keys }: DkimSigner): void {
  const object = cluster.objects.get(`VerifiedSender ${sender}`);
  assert.ok(object !== undefined);
  const spec = object.spec as { readonly domain?: string; readonly dkim?: { readonly signing?: string } };
  assert.deepEqual([spec.domain, spec.dkim?.signing], [domain, 'Enabled']);
  assertProven(cluster, object);
  const records = cluster.evidence.get(sender)?.records ?? {};
  for (const { selector } of keys) assert.ok(records[selector]?.foundTime !== undefined, selector);
}

function assertAccepted(cluster: Cluster, user: string, credentials: readonly Credential[]): void {
  const { spec } = cluster.objects.get(`SmtpPlusUser ${user}`) ?? assert.fail();
  const text = JSON.stringify(spec) ?? '';
  if (text.includes('"overlap":"0s"')) return;
  // who is not accepted, and has a name that others ask for too, may be nobody to the relays
  if (!cluster.accepted.has(user) && text.includes('"username"')) return;
  const after = cluster.accepted.get(user)?.credentials ?? [];
  for (const { verifier } of after.length === CREDENTIALS_MAX ? [] : credentials) {
    assert.ok(
      after.some((one) => one.verifier === verifier),
      `${user}: ${verifier} is cut off`,
    );
  }
}

/** A rule of a namespace comes from a VerifiedSender that is its own, or that lets it in. */
function assertRight(cluster: Cluster, namespace: string, rule: SenderRule): void {
  const sender = cluster.objects.get(`VerifiedSender ${rule.object}`);
  assert.ok(sender !== undefined);
  const {
    domain,
    address,
    includeSubdomains = false,
    allowedNamespaces,
  } = sender.spec as Readonly<Record<string, unknown>>;
  assert.equal(rule.sender, address ?? `@${String(domain)}`);
  assert.equal(rule.includeSubdomains, includeSubdomains);
  if (sender.meta.namespace !== namespace) {
    const { from } = allowedNamespaces as { readonly from: string };
    const isSales = cluster.namespaces.get(namespace)?.['team'] === 'sales';
    assert.ok(from === 'All' || (from === 'Selector' && isSales), `${rule.object} is not shared with ${namespace}`);
  }
  if (rule.verified) assertProven(cluster, sender);
}

/** Of itself, or of a domain of its namespace that covers its address. */
function assertProven(cluster: Cluster, sender: RawObject): void {
  const { address } = sender.spec as { readonly address?: string };
  const mailbox = address === undefined ? undefined : parseMailbox(address);
  const domains = [...cluster.objects.values()].filter(({ kind, meta, spec }) => {
    const { domain, includeSubdomains = false } = (spec ?? {}) as { domain?: string; includeSubdomains?: boolean };
    const isNear = kind === 'VerifiedSender' && meta.namespace === sender.meta.namespace && domain !== undefined;
    return isNear && mailbox !== undefined && covers({ sender: `@${domain}`, includeSubdomains }, mailbox);
  });
  const isProven = [sender, ...domains].some((one) => isProvenItself(cluster, one));
  assert.ok(isProven, `${keyOf(sender.meta)} was never proven`);
}

/** Said by the platform owner, found in the DNS at some time for this very record, or confirmed by whoever has its mailbox. */
function isProvenItself({ evidence: known, mail }: Cluster, { meta, spec }: RawObject): boolean {
  const { domain, address } = spec as Readonly<Record<string, string | undefined>>;
  const isListed =
    (meta.namespace === 'shop' && (domain ?? address?.split('@')[1]) === 'shop.example') ||
    (meta.namespace === 'mail' && address === 'orders@mail.example');
  const evidence = known.get(keyOf(meta))?.dns;
  const isFound = evidence?.recordName === `_smtpplus-challenge.${domain}` && evidence.foundTime !== undefined;
  const isConfirmed = address !== undefined && mail.get(`${meta.namespace}/${address}`)?.proof !== undefined;
  return isListed || isFound || isConfirmed;
}

/** Tried on mailboxes around the rule: none that the namespace may not use. */
function assertWithin(rule: SenderRule, namespaceRules: readonly SenderRule[]): void {
  const domain = rule.sender.slice(rule.sender.indexOf('@') + 1);
  const mailboxes = [rule.sender.replace(/^@/, 'any@'), `any@${domain}`, `any@sub.${domain}`].map(parseMailbox);
  for (const mailbox of mailboxes) {
    if (!rule.verified || mailbox === undefined || !covers(rule, mailbox)) continue;
    assert.ok(namespaceRules.some((one) => one.verified && covers(one, mailbox)));
  }
}
