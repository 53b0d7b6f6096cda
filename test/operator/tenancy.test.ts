/** What one namespace can try to get from another without its owner's leave. Each is refused, and a condition says so. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { createAdmin, list, namespace, secret, sender, user, type Admin, type Manifest } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

interface Attempt {
  readonly what: string;
  readonly objects: readonly Manifest[];
  /** The user whose condition says no, unless it is another object. */
  readonly on?: readonly [kind: string, key: string];
  readonly condition: string;
  readonly says: string;
}

const victimList = (name: string) => ({ listRef: { name, namespace: 'victim' } });
const ACTIVE = 'Active';
const ACCEPTED = 'Accepted';

const attempts: readonly Attempt[] = [
  {
    what: "use another's verified domain",
    objects: [user('thief/a1')],
    condition: ACTIVE,
    says: 'False NoVerifiedSender',
  },
  {
    what: "narrow itself to another's domain",
    objects: [user('thief/a2', { senders: ['@victim.example'] })],
    condition: ACTIVE,
    says: 'False NoVerifiedSender',
  },
  {
    what: "narrow itself to an address in another's domain",
    objects: [user('thief/a3', { senders: ['ceo@victim.example'] })],
    condition: ACTIVE,
    says: 'False NoVerifiedSender',
  },
  {
    what: 'claim a domain that was verified for another',
    objects: [sender('thief/claim', { domain: 'victim.example' })],
    on: ['VerifiedSender', 'thief/claim'],
    condition: 'Verified',
    says: 'False ProofUnavailable',
  },
  {
    what: 'claim a subdomain of it',
    objects: [sender('thief/sub', { domain: 'mail.victim.example' })],
    on: ['VerifiedSender', 'thief/sub'],
    condition: 'Verified',
    says: 'False ProofUnavailable',
  },
  {
    what: 'claim an address in it',
    objects: [sender('thief/address', { address: 'ceo@victim.example' })],
    on: ['VerifiedSender', 'thief/address'],
    condition: 'Verified',
    says: 'False ProofUnavailable',
  },
  {
    what: 'use a sender shared with others than it',
    objects: [user('thief/a4', { senders: ['@partner.example'] })],
    condition: ACTIVE,
    says: 'False NoVerifiedSender',
  },
  {
    what: 'join a list that is for its own namespace',
    objects: [user('thief/b1', victimList('private'))],
    condition: ACCEPTED,
    says: 'False NamespaceNotAllowed',
  },
  {
    what: 'join a list that selects other namespaces',
    objects: [user('thief/b2', victimList('partners'))],
    condition: ACCEPTED,
    says: 'False NamespaceNotAllowed',
  },
  {
    what: "join another's default list by naming it",
    objects: [user('thief/b3', victimList('default'))],
    condition: ACCEPTED,
    says: 'False NamespaceNotAllowed',
  },
  {
    what: 'have a list of a relay class that is for others',
    objects: [list('thief/b4', { relayClassName: 'reserved', senderPolicy: { headerFrom: 'Audit' } })],
    condition: ACCEPTED,
    says: 'False RelayClassNotAllowed',
  },
  {
    what: 'come to that class by a list that somebody shares',
    objects: [user('thief/b5', victimList('shared-of-class'))],
    condition: ACCEPTED,
    says: 'False RelayClassNotAllowed',
  },
  {
    what: "take an address of another's domain as user name",
    objects: [user('thief/c3', { username: 'ceo@victim.example' })],
    condition: ACCEPTED,
    says: 'False UsernameNotAllowed',
  },
  {
    what: "have a Secret made in place of somebody else's",
    objects: [secret('thief/precious', { mine: 'yes' }), user('thief/d1', { credentials: { secretName: 'precious' } })],
    condition: 'CredentialsReady',
    says: 'False SecretNotOwned',
  },
  {
    what: "have another user's Secret",
    objects: [user('thief/d2'), user('thief/d3', { credentials: { secretName: 'd2-smtp' } })],
    on: ['SmtpPlusUser', 'thief/d3'],
    condition: 'CredentialsReady',
    says: 'False SecretNotOwned',
  },
  {
    what: 'read a password from a Secret that only another namespace has',
    objects: [user('thief/e1', { credentials: { passwordSecretRef: { name: 'chosen' } } })],
    condition: 'CredentialsReady',
    says: 'False SecretNotFound',
  },
  {
    what: 'read upstream credentials that only another namespace has',
    objects: [
      list('thief/e2', { upstream: { host: 'smtp.thief.example', credentialsSecretRef: { name: 'upstream' } } }),
    ],
    on: ['SmtpPlusList', 'thief/e2'],
    condition: 'UpstreamResolved',
    says: 'False SecretNotFound',
  },
  ...['127.0.0.1', '169.254.169.254', '10.96.0.1', '::1', '0x7f000001'].map((host, i) => ({
    what: `have relays connect to ${host}`,
    objects: [list(`thief/f${i}`, { upstream: { host, port: 6443, tls: 'None' } })],
    on: ['SmtpPlusList', `thief/f${i}`] as const,
    condition: 'UpstreamResolved',
    says: 'False UpstreamNotAllowed',
  })),
  {
    what: "have another application's password sent to a host of its own",
    objects: [
      secret('thief/database', { username: 'shop', password: 'correct horse of the database' }),
      list('thief/g1', { upstream: { host: 'smtp.thief.example', credentialsSecretRef: { name: 'database' } } }),
    ],
    on: ['SmtpPlusList', 'thief/g1'],
    condition: 'UpstreamResolved',
    says: 'False SecretNotLabelled',
  },
];

describeWithControlPlane('a namespace that helps itself', (cluster) => {
  let admin: Admin;
  let operator: TestOperator;
  before(async () => {
    const kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const existingSenders = [{ victim: 'victim.example' }, { victim: 'partner.example' }];
    const isVictim = { matchLabels: { 'kubernetes.io/metadata.name': 'victim' } };
    const reserved = {
      senderPolicy: { headerFrom: 'Audit' },
      allowedNamespaces: { from: 'Selector', selector: isVictim },
    };
    const settings = { classes: { default: { existingSenders }, reserved } };
    operator = await startTestOperator(cluster(), kubeconfig, { settings });
    const partners = { from: 'Selector', selector: { matchLabels: { partner: 'yes' } } };
    await admin.apply(
      namespace('victim'),
      namespace('thief'),
      namespace('friend', { partner: 'yes' }),
      sender('victim/own', { domain: 'victim.example', includeSubdomains: true }),
      sender('victim/shared', { domain: 'partner.example', allowedNamespaces: partners }),
      list('victim/private'),
      list('victim/partners', { allowedNamespaces: partners }),
      list('victim/shared-of-class', { relayClassName: 'reserved', allowedNamespaces: { from: 'All' } }),
      list('victim/default', {}, { 'smtpplus.io/default-list': 'true' }),
      user('victim/app'),
      secret('victim/chosen', { password: 'correct horse battery' }),
      secret('victim/upstream', { username: 'relay', password: 'correct horse battery' }),
    );
    await admin.waitFor('SmtpPlusUser', 'victim/app', ACTIVE, 'True Active');
  });
  after(async () => {
    await operator.close();
    admin.client.close();
  });

  for (const { what, objects, on, condition, says } of attempts) {
    test(`cannot ${what}`, async () => {
      const last = objects.at(-1) ?? assert.fail();
      const [kind, key] = on ?? [last.kind, `thief/${last.metadata.name}`];
      await admin.apply(...objects);
      const { message } = await admin.waitFor(kind, key, condition, says);
      assert.ok(message.length > 0);
      assert.doesNotMatch(message, /correct horse/);
    });
  }

  test('may send a log-in to a smart host once its Secret says so', async () => {
    await admin.apply(
      secret('thief/provider', { username: 'shop', password: 'correct horse of the provider' }),
      list('thief/h1', { upstream: { host: 'smtp.provider.example', credentialsSecretRef: { name: 'provider' } } }),
    );
    await admin.waitFor('SmtpPlusList', 'thief/h1', 'UpstreamResolved', 'False SecretNotLabelled');
    await admin.patch('Secret', 'thief/provider', { metadata: { labels: { 'smtpplus.io/upstream': 'true' } } });
    await admin.waitFor('SmtpPlusList', 'thief/h1', 'UpstreamResolved', 'True Resolved');
    await admin.patch('Secret', 'thief/provider', { metadata: { labels: { 'smtpplus.io/upstream': null } } });
    await admin.waitFor('SmtpPlusList', 'thief/h1', 'UpstreamResolved', 'False SecretNotLabelled');
  });

  test('gets nothing by all of that: what is shared with a friend, and who has which user name, stay as they are', async () => {
    await admin.apply(...attempts.flatMap(({ objects }) => objects));
    await admin.apply(user('friend/app', { ...victimList('partners'), senders: ['@partner.example'] }));
    await admin.waitFor('SmtpPlusUser', 'friend/app', ACTIVE, 'True Active');
    await operator.idle();
    await admin.waitFor('SmtpPlusUser', 'victim/app', ACTIVE, 'True Active');
    assert.deepEqual(await admin.secret('thief/precious'), { mine: 'yes' });
    const users = await admin.relayUsers();
    assert.deepEqual(
      Object.keys(users).filter((name) => name.includes('victim')),
      ['app.victim'],
    );
  });
});
