/**
 * A namespace cannot come to a sender that it has not proved, nor to a list that is not for it, whatever it writes into its own objects, Secrets, labels,
 * annotations and statuses. `shop` has proved shop.example, and lends mail.example to namespaces of team sales; `evil` may do
 * in its own namespace whatever it likes, and publish whatever it likes in its own zones.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { covers, parseMailbox } from '../../../relay/address.ts';
import type { SenderRule } from '../../../relay/config/config.ts';
import { createCluster, snapshotOf, verifiers, type Cluster } from '../../../test/support/golden/cluster.ts';
import { goldenIssuer } from '../../../test/support/golden/passwords.ts';
import type { Kind, SenderEvidence, Vouching } from '../model.ts';
import { plan } from '../plan.ts';

const VICTIMS = ['ceo@shop.example', 'ceo@sub.shop.example', 'ceo@mail.example', 'ceo@shop.co.uk'];
const TIME = '2026-01-01T00:00:00Z';
const TRUE = { status: 'True', lastTransitionTime: TIME, message: 'Trust me.' };

interface World {
  readonly cluster: Cluster;
  readonly put: (kind: Kind, key: string, spec: unknown, more?: { meta?: object; status?: unknown }) => void;
  /** The record of a domain was found for a sender, with the token of this namespace for this domain. */
  readonly find: (key: string, domain: string, outcome?: 'found' | 'mismatch') => void;
  readonly vouched: (key: string, vouching: Vouching) => void;
}

function worldWithVictims(): World {
  const cluster = createCluster();
  cluster.namespaces.set('evil', {}).set('shop', {}).set('third', { team: 'sales' });
  const put: World['put'] = (kind, key, spec, { meta = {}, status } = {}) => {
    const [namespace = '', name = ''] = key.split('/');
    const plain = { namespace, name, uid: `${kind} ${key}`, generation: 1, labels: {}, annotations: {} };
    cluster.objects.set(`${kind} ${key}`, { kind, meta: { ...plain, ...meta }, spec, status });
  };
  const find: World['find'] = (key, domain, outcome = 'found') => {
    const recordName = `_smtpplus-challenge.${domain}`;
    const recordValue = `smtpplus-verification=token-of-${key.split('/')[0]}-for-${domain}`;
    const seen = { recordName, recordValue, time: TIME, detail: '', attempts: 0, since: TIME, jitter: 0.5, outcome };
    const dns: SenderEvidence['dns'] = outcome === 'found' ? { ...seen, foundTime: TIME } : seen;
    cluster.evidence.set(key, { ...cluster.evidence.get(key), dns });
  };
  const vouched: World['vouched'] = (key, vouching) => void cluster.evidence.set(key, { vouching });
  const sales = { from: 'Selector', selector: { matchLabels: { team: 'sales' } } };
  put('VerifiedSender', 'shop/shop', { domain: 'shop.example' });
  put('VerifiedSender', 'shop/lent', { domain: 'mail.example', allowedNamespaces: sales });
  for (const [key, domain] of [
    ['shop/shop', 'shop.example'],
    ['shop/lent', 'mail.example'],
  ] as const) {
    find(key, domain);
  }
  put('SmtpPlusList', 'shop/own', {});
  put('SmtpPlusList', 'shop/sales', { allowedNamespaces: sales });
  put('SmtpPlusUser', 'evil/user', { active: true });
  put('SmtpPlusUser', 'third/user', { active: true });
  return { cluster, put, find, vouched };
}

function shardsOf({ cluster }: World) {
  const { relays } = plan(snapshotOf(cluster), cluster.now, goldenIssuer(cluster, verifiers.of));
  return [...relays.values()].flatMap((documents) => documents.shards);
}

/** Lists of `shop` by whose upstream, and at whose expense, the relays let the users of a namespace send. */
function listsReached(world: World, namespace: string): string[] {
  const users = shardsOf(world).flatMap((shard) => Object.values(shard.users));
  return users.filter((user) => user.namespace === namespace && user.list.startsWith('shop/')).map(({ list }) => list);
}

/** What the relays let the users of a namespace send as, of the victims. */
function reached(world: World, namespace: string): string[] {
  const shards = shardsOf(world);
  const own = shards.flatMap(({ namespaces }) => namespaces[namespace] ?? []);
  const users = shards.flatMap(({ users }) => Object.values(users)).filter((user) => user.namespace === namespace);
  const rules: SenderRule[] = [...own, ...users.flatMap(({ senders }) => senders ?? [])];
  return VICTIMS.filter((victim) => {
    const mailbox = parseMailbox(victim);
    return mailbox !== undefined && rules.some((rule) => rule.verified && covers(rule, mailbox));
  });
}

/** What `evil` does. */
const attempts: Readonly<Record<string, (world: World) => void>> = {
  'claims the domain': ({ put }) => put('VerifiedSender', 'evil/x', { domain: 'shop.example' }),
  'claims an address': ({ put }) => put('VerifiedSender', 'evil/x', { address: 'ceo@shop.example' }),
  'writes the status of a proof': ({ put }) => {
    const conditions = [
      { type: 'Verified', reason: 'DnsProof', ...TRUE },
      { type: 'Ready', reason: 'Verified', ...TRUE },
    ];
    const status = { method: 'DnsProof', sender: '@shop.example', verifiedTime: TIME, conditions };
    put('VerifiedSender', 'evil/x', { domain: 'shop.example' }, { status });
  },
  'writes the status of one whose proof is lost, and shares it': ({ put }) => {
    const condition = { type: 'Verified', observedGeneration: 1, ...TRUE };
    const statuses = {
      address: { method: 'EmailProof', conditions: [{ ...condition, reason: 'EmailProof' }] },
      domain: { method: 'DnsProof', conditions: [{ ...condition, status: 'False', reason: 'EvidenceLost' }] },
    };
    const shared = { allowedNamespaces: { from: 'All' } };
    put('VerifiedSender', 'evil/x', { address: 'ceo@shop.example', ...shared }, { status: statuses.address });
    put('VerifiedSender', 'evil/y', { domain: 'shop.example', ...shared }, { status: statuses.domain });
  },
  'writes the status of one that the settings vouched for': ({ put }) => {
    const conditions = [{ type: 'Verified', reason: 'Grandfathered', ...TRUE }];
    put(
      'VerifiedSender',
      'evil/x',
      { address: 'ceo@shop.example' },
      { status: { method: 'Grandfathered', conditions } },
    );
  },
  'relies on the record of its victim': ({ put, find }) => {
    put('VerifiedSender', 'evil/x', { domain: 'shop.example' });
    find('evil/x', 'shop.example', 'mismatch');
  },
  'proves a domain of its own, and makes the object anew for another': ({ put, find }) => {
    put('VerifiedSender', 'evil/x', { domain: 'shop.example' });
    find('evil/x', 'evil.example');
  },
  'names its object as that of its victim': ({ put }) => put('VerifiedSender', 'evil/shop', { domain: 'shop.example' }),
  'was vouched for another domain under the same name': ({ put, vouched }) => {
    put('VerifiedSender', 'evil/x', { domain: 'shop.example' });
    vouched('evil/x', { sender: '@evil.example' });
  },
  'proves a domain below that of its victim': ({ put, find }) => {
    put('VerifiedSender', 'evil/x', { domain: 'x.shop.example', includeSubdomains: true });
    find('evil/x', 'x.shop.example');
  },
  'proves a domain whose name ends in that of its victim': ({ put, find }) => {
    put('VerifiedSender', 'evil/x', { domain: 'evilshop.example', includeSubdomains: true });
    find('evil/x', 'evilshop.example');
  },
  'proves a domain that looks the same': ({ put, find }) => {
    put('VerifiedSender', 'evil/x', { domain: 'ѕhop.example', includeSubdomains: true });
    find('evil/x', 'xn--hop-mlc.example');
  },
  'publishes a record below a public suffix': ({ put, find }) => {
    put('VerifiedSender', 'evil/x', { domain: 'co.uk', includeSubdomains: true });
    find('evil/x', 'co.uk');
  },
  'names a sender of its victim in a user': ({ put }) =>
    put('SmtpPlusUser', 'evil/user', { active: true, senders: ['ceo@shop.example', '@mail.example'] }),
  'names the whole domain of its victim, having proved one below it': ({ put, find }) => {
    put('VerifiedSender', 'evil/x', { domain: 'x.shop.example' });
    find('evil/x', 'x.shop.example');
    put('SmtpPlusUser', 'evil/user', { active: true, senders: ['@shop.example'] });
  },
  'takes an address of its victim for a user name': ({ put }) => {
    put('VerifiedSender', 'evil/x', { address: 'ceo@shop.example' });
    put('SmtpPlusUser', 'evil/user', { active: true, username: 'ceo@shop.example' });
  },
  'attaches to a list that is for everybody': ({ put }) => {
    put('SmtpPlusList', 'third/list', { allowedNamespaces: { from: 'All' } });
    put('SmtpPlusUser', 'evil/user', { active: true, listRef: { name: 'list', namespace: 'third' } });
  },
  'attaches to a list that its victim keeps for itself': ({ put }) =>
    put('SmtpPlusUser', 'evil/user', { active: true, listRef: { name: 'own', namespace: 'shop' } }),
  'attaches to a list that is for others': ({ put }) => {
    const meta = { labels: { team: 'sales' } };
    put('SmtpPlusUser', 'evil/user', { active: true, listRef: { name: 'sales', namespace: 'shop' } }, { meta });
  },
  'labels its objects as the namespaces are that may': ({ put }) => {
    const meta = { labels: { team: 'sales', 'kubernetes.io/metadata.name': 'shop' } };
    put('VerifiedSender', 'evil/x', { domain: 'mail.example' }, { meta });
    put('SmtpPlusUser', 'evil/user', { active: true }, { meta });
  },
  'annotates its object with whatever we read, and more': ({ put }) => {
    const annotations = {
      'smtpplus.io/check-now': 'now',
      'smtpplus.io/resend': 'now',
      'smtpplus.io/verified': 'true',
      'smtpplus.io/default-list': 'true',
    };
    put('VerifiedSender', 'evil/x', { domain: 'shop.example' }, { meta: { annotations } });
  },
  'keeps Secrets like those with evidence': ({ put, cluster }) => {
    put('VerifiedSender', 'evil/x', { domain: 'shop.example' });
    const evidence = { 'evil/x': { vouching: { sender: '@shop.example' } } };
    for (const name of ['smtp-plus-evidence-00', 'user-smtp']) {
      cluster.secrets.set(`evil/${name}`, {
        namespace: 'evil',
        name,
        type: 'Opaque',
        labels: { 'smtpplus.io/evidence': '' },
        annotations: {},
        data: { 'evidence.json.gz': JSON.stringify(evidence) },
        verifiers: {},
      });
    }
  },
  'shares what it has not proved with everybody': ({ put }) =>
    put('VerifiedSender', 'evil/x', { domain: 'shop.example', allowedNamespaces: { from: 'All' } }),
};

describe('a namespace that has not proved a sender does not come to it', () => {
  for (const [name, attempt] of Object.entries(attempts)) {
    test(`when it ${name}`, () => {
      const world = worldWithVictims();
      attempt(world);
      assert.deepEqual(reached(world, 'evil'), []);
      assert.deepEqual(listsReached(world, 'evil'), []);
      assert.deepEqual(reached(world, 'third'), ['ceo@mail.example'], 'what is lent to it');
    });
  }

  test('when one that it is lent to shares an address of it further', () => {
    const world = worldWithVictims();
    world.put('VerifiedSender', 'third/x', { address: 'ceo@mail.example', allowedNamespaces: { from: 'All' } });
    assert.deepEqual(reached(world, 'evil'), []);
  });

  test('while its victim can use it', () => {
    const world = worldWithVictims();
    world.put('SmtpPlusUser', 'shop/user', { active: true, listRef: { name: 'own' } });
    world.put('SmtpPlusUser', 'third/user', { active: true, listRef: { name: 'sales', namespace: 'shop' } });
    assert.deepEqual(reached(world, 'shop'), ['ceo@shop.example', 'ceo@mail.example']);
    assert.deepEqual(listsReached(world, 'shop'), ['shop/own']);
    assert.deepEqual(listsReached(world, 'third'), ['shop/sales']);
  });
});
