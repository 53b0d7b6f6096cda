/** Proof by mail on a real API server, through a real relay: every replica, every crash, and nobody who cheats. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { readInstallation } from '../../operator/kubernetes/installation-secret.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import type { ReadChallenge } from '../support/challenge-mail.ts';
import { eventually } from '../support/eventually.ts';
import { outbox } from '../support/outbox.ts';
import { pageRequest } from '../support/page-request.ts';
import { createAdmin, namespace, secret, sender, user, type Admin, type Manifest } from './support/admin.ts';
import { createClock, MINUTE } from './support/clock.ts';
import {
  install,
  OPERATOR_NAMESPACE,
  startTestOperator,
  type TestOperator,
  type TestOperatorOptions,
} from './support/operator.ts';
import { removeEvidence } from './support/sender-records.ts';
import { mailSettings, mailTo, PAGE_URL } from './support/proofs-by-mail.ts';
import { startRelayOfCluster } from './support/relay-of-cluster.ts';

describeWithControlPlane('addresses that prove themselves by mail', (cluster) => {
  let kubeconfig: Promise<string> | undefined;
  const installed = (): Promise<string> => (kubeconfig ??= install(cluster()));

  async function setUp(t: TestContext) {
    const config = await installed();
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const relay = await startRelayOfCluster(t, admin);
    await admin.apply(secret(`${OPERATOR_NAMESPACE}/relay-of-test`, relay.tls));
    const settings = mailSettings(relay, 'relay-of-test');
    const start = async (options: TestOperatorOptions = {}): Promise<TestOperator> => {
      const operator = await startTestOperator(cluster(), config, { settings, withCertificates: true, ...options });
      t.after(operator.close);
      return operator;
    };
    return { admin, relay, start };
  }

  const pathOf = ({ link = '' }: ReadChallenge): string => {
    assert.ok(link.startsWith(`${PAGE_URL}/`), link);
    return `/verify/${link.slice(PAGE_URL.length + 1)}`;
  };

  const ask = async (
    { page }: TestOperator,
    method: string,
    mail: ReadChallenge,
  ): Promise<{ status: number; body: string }> => {
    const { status, body } = (await page(pageRequest(pathOf(mail), { method }))) ?? assert.fail();
    return { status, body: String(body) };
  };

  /** What a replica knows comes by its watch. */
  const asked = (replica: TestOperator, mail: ReadChallenge): Promise<void> =>
    eventually(async () => {
      const { status, body } = await ask(replica, 'GET', mail);
      assert.equal(status, 200);
      assert.match(body, /Confirm this address\?/);
    });

  const tenant = (name: string, address: string): Manifest[] => [
    namespace(name),
    sender(`${name}/news`, { address }),
    user(`${name}/news`),
  ];

  test('are confirmed on a page of a replica that does not lead, and their users become active', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const leader = await start();
    const replica = await start({ leads: false });
    await admin.apply(...tenant('story', 'news@story.example'));
    const mail = await mailTo(relay, 'news@story.example');
    await admin.waitFor('VerifiedSender', 'story/news', 'Verified', 'False Pending');
    await admin.waitFor('SmtpPlusUser', 'story/news', 'Active', 'False NoVerifiedSender');
    await asked(replica, mail);
    for (let i = 0; i < 20; i++) await ask(replica, 'HEAD', mail);
    const [done, twice] = await Promise.all([ask(replica, 'POST', mail), ask(leader, 'POST', mail)]);
    for (const { status, body } of [done, twice]) {
      assert.equal(status, 200);
      assert.match(body, /The address is confirmed/);
    }
    await admin.waitFor('VerifiedSender', 'story/news', 'Verified', 'True EmailProof');
    await admin.waitFor('SmtpPlusUser', 'story/news', 'Active', 'True Active');
    await eventually(async () => assert.deepEqual(await notesIn(admin), []));
    assert.equal((await ask(replica, 'GET', mail)).status, 404);
    await leader.close();
    const next = await start();
    await next.idle();
    await admin.waitFor('VerifiedSender', 'story/news', 'Verified', 'True EmailProof');
    // what the relay has not been told yet is tried again
    const troubles = [...leader.troubles, ...replica.troubles, ...next.troubles];
    assert.deepEqual(
      troubles.filter((line) => !line.includes('log-in refused with 454')),
      [],
    );
  });

  test('are in force once somebody leads again, where whoever led was killed before it heard of the confirmation', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const leader = await start();
    const replica = await start({ leads: false });
    await admin.apply(...tenant('orphan', 'news@orphan.example'));
    const mail = await mailTo(relay, 'news@orphan.example');
    await asked(replica, mail);
    await leader.close();
    const { status, body } = await ask(replica, 'POST', mail);
    assert.equal(status, 202);
    assert.match(body, /takes effect within a minute/);
    const next = await start();
    await admin.waitFor('VerifiedSender', 'orphan/news', 'Verified', 'True EmailProof');
    assert.match((await ask(replica, 'POST', mail)).body, /The address is confirmed/);
    await eventually(async () => assert.deepEqual(await notesIn(admin), []));
    assert.deepEqual(next.troubles, []);
  });

  test('are asked again where what was known of them is gone, and never verified by themselves', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const leader = await start();
    await admin.apply(...tenant('lost', 'news@lost.example'));
    const mail = await mailTo(relay, 'news@lost.example');
    await asked(leader, mail);
    await ask(leader, 'POST', mail);
    await admin.waitFor('VerifiedSender', 'lost/news', 'Verified', 'True EmailProof');
    await leader.close();
    await removeEvidence(admin, 'smtpplus.io/mail-proofs');
    const next = await start();
    await mailTo(relay, 'news@lost.example', 2);
    await admin.waitFor('VerifiedSender', 'lost/news', 'Verified', 'False Pending');
    assert.equal((await ask(next, 'GET', mail)).status, 404);
  });

  test('tell once of each mail, whoever leads', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const leader = await start();
    await admin.apply(...tenant('told', 'news@told.example'));
    await mailTo(relay, 'news@told.example');
    const timesTold = async (name: string): Promise<number | undefined> => {
      const filter = `reason=ChallengeSent,involvedObject.name=${name}`;
      const { items } = await listOf(admin, `/api/v1/namespaces/told/events?fieldSelector=${filter}`);
      return items[0]?.count;
    };
    await eventually(async () => assert.equal(await timesTold('news'), 1));
    await leader.close();
    await start();
    // one after the other
    await admin.apply(sender('told/later', { address: 'later@told.example' }));
    await eventually(async () => assert.equal(await timesTold('later'), 1));
    assert.equal(await timesTold('news'), 1);
  });

  test('are kept where somebody deletes what is known of them while we run, and proven by nothing that is written there', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const leader = await start();
    await admin.apply(...tenant('deleted', 'news@deleted.example'), ...tenant('open', 'news@open.example'));
    const mail = await mailTo(relay, 'news@deleted.example');
    const open = await mailTo(relay, 'news@open.example');
    await asked(leader, mail);
    await ask(leader, 'POST', mail);
    await admin.waitFor('VerifiedSender', 'deleted/news', 'Verified', 'True EmailProof');
    await removeEvidence(admin, 'smtpplus.io/mail-proofs');
    // the page knows of it by what is kept
    await eventually(async () => assert.equal((await ask(leader, 'POST', mail)).status, 200));
    await asked(leader, open);
    await admin.waitFor('VerifiedSender', 'open/news', 'Verified', 'False Pending');
    await leader.close();
    const next = await start();
    await next.idle();
    await admin.waitFor('VerifiedSender', 'deleted/news', 'Verified', 'True EmailProof');
    const mails = (await outbox(relay.state)).map(
      ({ content }) => /\nTo: (\S+@(?:deleted|open)\.example)\r/.exec(String(content))?.[1],
    );
    const addresses = mails.filter((address) => address !== undefined).sort();
    assert.deepEqual(addresses, ['news@deleted.example', 'news@open.example'], 'nobody is asked again');
  });

  test('are asked again where they were deleted and made anew while nobody may have looked for more than an hour', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const [key, address] = ['unwatched/news', 'news@unwatched.example'];
    const clock = createClock();
    const instead = { now: clock.now };
    const first = await start({ instead });
    await admin.apply(...tenant('unwatched', address));
    const mail = await mailTo(relay, address);
    await asked(first, mail);
    await ask(first, 'POST', mail);
    await admin.waitFor('VerifiedSender', key, 'Verified', 'True EmailProof');
    const replaceBy = async (operator: TestOperator, unwatchedMs: number): Promise<TestOperator> => {
      await operator.close();
      const unwatchedSince = new Date(Date.now() - unwatchedMs);
      await admin.remove('VerifiedSender', key);
      await admin.apply(sender(key, { address }));
      return start({ unwatchedSince, instead });
    };
    const second = await replaceBy(first, 30 * MINUTE);
    await admin.waitFor('VerifiedSender', key, 'Verified', 'True EmailProof');
    // no two mails go to one mailbox within a minute
    clock.pass(2 * MINUTE);
    await replaceBy(second, 90 * MINUTE);
    await mailTo(relay, address, 2);
    await admin.waitFor('VerifiedSender', key, 'Verified', 'False Pending');
  });

  test('are proven by nothing that another namespace writes, however it tries', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const operator = await start();
    const victim = 'ceo@victim.example';
    await admin.apply(...tenant('victim', victim));
    const mail = await mailTo(relay, victim);
    await asked(operator, mail);
    await ask(operator, 'POST', mail);
    await admin.waitFor('VerifiedSender', 'victim/news', 'Verified', 'True EmailProof');

    await admin.apply(...tenant('thief', victim));
    const proof = { method: 'EmailProof', verifiedTime: '2026-01-01T00:00:00Z', sender: victim };
    const condition = { type: 'Verified', status: 'True', reason: 'EmailProof', message: 'It is.' };
    const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const evidence = JSON.stringify({
      [`thief/${victim}`]: {
        mails: [],
        heeded: [],
        proof: { time: '2026-01-01T00:00:00Z', by: 'Link', linkHash: 'aa' },
      },
    });
    const patch = (body: object, subresource?: 'status') => () =>
      admin.patch('VerifiedSender', 'thief/news', body, subresource);
    const apply =
      (...manifests: Manifest[]) =>
      () =>
        admin.apply(...manifests);
    const labelled = (manifest: Manifest, labels: Record<string, string>): Manifest => ({
      ...manifest,
      metadata: { ...manifest.metadata, labels },
    });
    const attempts: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['a status', patch({ status: { ...proof, conditions } }, 'status')],
      [
        'a challenge in a status',
        patch(
          { status: { challenge: { sentTime: '2026-01-01T00:00:00Z', expiryTime: '2036-01-01T00:00:00Z' } } },
          'status',
        ),
      ],
      ['the code of the victim', patch({ spec: { email: { code: mail.code } } })],
      ['a code of its own making', patch({ spec: { email: { code: 'AAAAA-AAAAA' } } })],
      ['an empty-looking code', patch({ spec: { email: { code: '-' } } })],
      [
        'annotations',
        patch({
          metadata: {
            annotations: {
              'smtpplus.io/resend': 'now',
              'smtpplus.io/check-now': 'now',
              'smtpplus.io/mail-proofs': 'proven',
            },
          },
        }),
      ],
      ['labels', patch({ metadata: { labels: { 'smtpplus.io/mail-proofs': '', 'smtpplus.io/evidence': '' } } })],
      [
        'a Secret of the name of ours',
        apply(secret('thief/smtp-plus-mail-proofs-00', { 'evidence.json.gz': evidence })),
      ],
      [
        'a Secret with our label',
        apply(labelled(secret('thief/proofs', { 'evidence.json.gz': evidence }), { 'smtpplus.io/mail-proofs': '' })),
      ],
      [
        'a note in a Secret with our label',
        apply(labelled(secret('thief/notes', { 'confirmed.aa': '' }), { 'smtpplus.io/mail-proofs': '' })),
      ],
      ['another case of the address', apply(sender('thief/case', { address: 'CEO@victim.example' }))],
      ['a final dot', apply(sender('thief/dot', { address: 'ceo@victim.example.' }))],
      ['a domain above it', apply(sender('thief/domain', { domain: 'victim.example', includeSubdomains: true }))],
      ['sharing with itself', apply(sender('thief/all', { address: victim, allowedNamespaces: { from: 'All' } }))],
      ['the name of the object of the victim', apply(sender('thief/victim-news', { address: victim }))],
      ['the link of the victim once more', () => ask(operator, 'POST', mail)],
      ['the user of the operator', apply(user('thief/verification', { username: 'smtpplus.io/verification' }))],
      [
        'the list of the operator',
        apply(user('thief/listed', { listRef: { name: 'verification', namespace: 'smtpplus.io' } })),
      ],
      ['the sender of the operator', apply(sender('thief/platform', { address: 'verification@platform.example' }))],
    ];
    for (const [, attempt] of attempts) await attempt().catch(() => undefined);
    await operator.idle();
    const { items } = await listOf(admin, '/apis/smtpplus.io/v1alpha1/namespaces/thief/verifiedsenders');
    assert.ok(items.length >= 4);
    await eventually(async () => {
      for (const { metadata } of items) {
        const status = (await admin.get('VerifiedSender', `thief/${metadata.name}`))?.status;
        const verified = status?.conditions?.find(({ type }) => type === 'Verified');
        assert.equal(verified?.status, 'False', `${metadata.name}: ${verified?.reason} ${verified?.message}`);
      }
    });
    const users = (await admin.relayUsers()) as Record<
      string,
      { senders?: { verified: boolean; sender: string }[]; list: string }
    >;
    for (const name of ['news.thief', 'listed.thief', 'verification.thief']) {
      assert.notEqual(users[name]?.list, 'smtpplus.io/verification', name);
    }
    assert.deepEqual(
      users['smtpplus.io/verification']?.senders?.map(({ sender }) => sender),
      ['verification@platform.example'],
    );
    await admin.waitFor('VerifiedSender', 'victim/news', 'Verified', 'True EmailProof');
  });

  test('leave neither links nor codes nor the password of the operator in any object', async (t) => {
    const { admin, relay, start } = await setUp(t);
    const operator = await start();
    await admin.apply(...tenant('quiet', 'news@quiet.example'));
    const { link = '', code } = await mailTo(relay, 'news@quiet.example');
    await admin.waitFor('VerifiedSender', 'quiet/news', 'Verified', 'False Pending');
    await operator.idle();
    const { operatorPassword } = await readInstallation(admin.client, OPERATOR_NAMESPACE, []);
    const kinds = [
      '/api/v1/secrets',
      '/api/v1/events',
      '/apis/smtpplus.io/v1alpha1/verifiedsenders',
      '/apis/smtpplus.io/v1alpha1/smtpplususers',
    ];
    for (const path of kinds) {
      const { items } = await listOf(admin, path);
      assert.ok(items.length > 0, path);
      const values = items.flatMap(({ data = {} }) =>
        Object.values(data).map((value) => Buffer.from(value, 'base64').toString('latin1')),
      );
      const all = [JSON.stringify(items), ...values].join('\n');
      for (const one of [link.slice(link.lastIndexOf('/') + 1), code, operatorPassword('default')]) {
        assert.ok(!all.includes(one), `${path} has it`);
      }
    }
  });
});

async function listOf(admin: Admin, path: string) {
  const answer = await admin.client.request<{
    readonly items: readonly {
      readonly metadata: { readonly name: string };
      readonly data?: Record<string, string>;
      readonly count?: number;
    }[];
  }>({ method: 'GET', path });
  assert.ok(answer.ok);
  return answer.body;
}

const PROOFS = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets?labelSelector=smtpplus.io/mail-proofs`;

/** Confirmations that nobody has taken up. */
async function notesIn(admin: Admin): Promise<readonly string[]> {
  const { items } = await listOf(admin, PROOFS);
  return items.flatMap(({ data = {} }) => Object.keys(data).filter((name) => name.startsWith('confirmed.')));
}
