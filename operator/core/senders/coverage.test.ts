/** What is covered, tried on whatever addresses people and attackers write: never more than what was proved. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { covers, parseMailbox } from '../../../relay/address.ts';
import type { SenderRule } from '../../../relay/config/config.ts';
import {
  createCluster,
  createNotes,
  happen,
  snapshotOf,
  verifiers,
  type Cluster,
} from '../../../test/support/golden/cluster.ts';
import { follow, startFollowing } from '../../../test/support/golden/follow.ts';
import { goldenIssuer } from '../../../test/support/golden/passwords.ts';
import type { SenderEvidence } from '../model.ts';
import { plan } from '../plan.ts';

/** Labels and suffixes of which many names come about that look alike, the suffixes being public, unknown or in another script. */
const label = fc.constantFrom('a', 'shop', 'ashop', 'xn--bcher-kva', 'bücher');
const suffix = fc.constantFrom('example', 'corp.internal', 'co.uk', 'github.io', 'kawasaki.jp', 'xn--55qx5d.cn');
const domain = fc
  .tuple(fc.array(label, { maxLength: 3 }), suffix)
  .map(([labels, end]) => [...labels, end].join('.'))
  .filter((name) => name.includes('.'));
const local = fc.constantFrom('me', 'Me', 'ME', 'you', 'me+tag');
const tamper = fc.constantFrom(
  (text: string) => text,
  (text: string) => text.toUpperCase(),
  (text: string) => `${text}.`,
  (text: string) => text.replace('@', '@x'),
  (text: string) => text.replace('@', '@x.'),
  (text: string) => text.replace('@', '%a.example@'),
  (text: string) => text.replaceAll('ü', 'u\u0308'),
);
const mailboxes = fc.array(
  fc.tuple(local, domain, tamper).map(([name, at, change]) => change(`${name}@${at}`)),
  { minLength: 5, maxLength: 20 },
);

interface Claim {
  readonly spec: { readonly domain?: string; readonly address?: string; readonly includeSubdomains?: boolean };
  /** Its record was found. */
  readonly isFound: boolean;
}

const claims: fc.Arbitrary<Claim[]> = fc.array(
  fc
    .tuple(fc.boolean(), local, domain, fc.boolean(), fc.boolean())
    .map(([isAddress, name, at, includeSubdomains, isFound]) => ({
      spec: isAddress ? { address: `${name.toLowerCase()}@${at}` } : { domain: at, includeSubdomains },
      isFound,
    })),
  { minLength: 1, maxLength: 8 },
);

/** The namespace `lab`, which nothing in the settings vouches for, and one user of it. */
function worldOf(all: readonly Claim[]): Cluster {
  const cluster = createCluster();
  const meta = { namespace: 'lab', generation: 1, labels: {}, annotations: {} };
  const user = { ...meta, name: 'user', uid: 'user' };
  cluster.objects.set('SmtpPlusUser lab/user', { kind: 'SmtpPlusUser', meta: user, spec: { active: true } });
  for (const [i, { spec, isFound }] of all.entries()) {
    const name = `s${i}`;
    cluster.objects.set(`VerifiedSender lab/${name}`, {
      kind: 'VerifiedSender',
      meta: { ...meta, name, uid: name },
      spec,
    });
    const ascii = aLabels(spec.domain ?? spec.address?.split('@')[1] ?? '');
    const time = cluster.now.toISOString();
    if (isFound) cluster.evidence.set(`lab/${name}`, found('lab', ascii, time));
  }
  return cluster;
}

function found(namespace: string, domain: string, time: string): SenderEvidence {
  return {
    dns: {
      recordName: `_smtpplus-challenge.${domain}`,
      recordValue: `smtpplus-verification=token-of-${namespace}-for-${domain}`,
      time,
      foundTime: time,
      outcome: 'found',
      detail: 'it is there',
      attempts: 0,
      since: time,
      jitter: 0.5,
    },
  };
}

function rulesOf(cluster: Cluster): readonly SenderRule[] {
  const { relays } = plan(snapshotOf(cluster), cluster.now, goldenIssuer(cluster, verifiers.of));
  return [...relays.values()].flatMap(({ shards }) => shards.flatMap(({ namespaces }) => namespaces['lab'] ?? []));
}

/** Not by the code under test. */
function aLabels(name: string): string {
  return name.normalize('NFC').toLowerCase().replaceAll('bücher', 'xn--bcher-kva');
}

/** Of the suffixes above; any name right below kawasaki.jp is one, too. */
function isSuffix(name: string): boolean {
  const known = ['co.uk', 'github.io', 'kawasaki.jp', 'xn--55qx5d.cn'];
  return known.includes(name) || /^[^.]+\.kawasaki\.jp$/.test(name);
}

function isProven(all: readonly Claim[], text: string): boolean {
  const [, at = ''] = text.split('@');
  const name = aLabels(at);
  return all.some(({ spec, isFound }) => {
    if (!isFound || spec.domain === undefined) return false;
    const proven = aLabels(spec.domain);
    if (isSuffix(proven)) return false;
    return name === proven || (spec.includeSubdomains === true && name.endsWith(`.${proven}`));
  });
}

describe('what a namespace may send as', () => {
  test('is never broader than what it has proved, and never narrower', () => {
    fc.assert(
      fc.property(claims, mailboxes, (all, texts) => {
        const rules = rulesOf(worldOf(all)).filter(({ verified }) => verified);
        // what was proved, too, in the spelling of an attacker
        const near = all.map(({ spec }) => `me@${spec.domain ?? spec.address?.split('@')[1] ?? ''}`);
        for (const text of [...texts, ...near, ...near.map((one) => one.replace('@', '@x.'))]) {
          const mailbox = parseMailbox(text);
          const isCovered = mailbox !== undefined && rules.some((rule) => covers(rule, mailbox));
          assert.equal(isCovered, mailbox !== undefined && isProven(all, text), text);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('an address under a verified domain', () => {
  test('says how that was verified, as soon as that changes', () => {
    const cluster = createCluster();
    const put = (name: string, spec: unknown): void => {
      const meta = { namespace: 'shop', name, uid: name, generation: 1, labels: {}, annotations: {} };
      happen(cluster, { does: 'put', object: { kind: 'VerifiedSender', meta, spec } }, createNotes());
    };
    put('domain', { domain: 'shop.example', includeSubdomains: true });
    put('address', { address: 'me@sub.shop.example' });
    const following = startFollowing(cluster);
    const methodOf = (name: string) => following.results.senders.get(`shop/${name}`)?.status.method;
    assert.deepEqual([methodOf('domain'), methodOf('address')], ['Grandfathered', 'Grandfathered']);

    const notes = createNotes();
    const evidence = found('shop', 'shop.example', cluster.now.toISOString());
    cluster.evidence.set('shop/domain', evidence);
    notes.evidence.set('shop/domain', evidence);
    follow(following, cluster, notes);
    assert.deepEqual([methodOf('domain'), methodOf('address')], ['DnsProof', 'DnsProof']);
  });
});

describe('where look-ups are disabled', () => {
  test('nothing is looked up, and no keys are made whose records nobody would see', () => {
    const cluster = createCluster();
    const meta = { namespace: 'shop', name: 'domain', uid: '1', generation: 1, labels: {}, annotations: {} };
    const spec = { domain: 'shop.example', dkim: { signing: 'Enabled' } };
    cluster.objects.set('VerifiedSender shop/domain', { kind: 'VerifiedSender', meta, spec });
    const snapshot = { ...snapshotOf(cluster), verification: { graceSeconds: 60, isDisabled: true } as const };
    const { statuses, lookups, records } = plan(snapshot, cluster.now, goldenIssuer(cluster, verifiers.of));
    const conditions = statuses[0]?.status.conditions ?? [];
    assert.equal(conditions.find(({ type }) => type === 'Verified')?.reason, 'Grandfathered');
    assert.match(conditions.find(({ type }) => type === 'Signing')?.message ?? '', /look-ups are switched off here/);
    assert.deepEqual([lookups, records.flatMap((one) => [one.lookups, one.wish ?? []].flat())], [[], []]);
  });
});
