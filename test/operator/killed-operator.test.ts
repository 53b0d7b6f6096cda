/** Proofs and keys where whoever leads is killed between any two of its writes: the next one comes to the same end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChallenge, type ReadChallenge } from '../support/challenge-mail.ts';
import { needsCommand } from '../support/commands.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { startNsd } from '../support/dns-server.ts';
import { eventually } from '../support/eventually.ts';
import { outbox } from '../support/outbox.ts';
import { pageRequest } from '../support/page-request.ts';
import { createAdmin, namespace, secret, sender, user, type Admin } from './support/admin.ts';
import { createClock, DAY, HOUR, MINUTE } from './support/clock.ts';
import { startMortalOperators, type MortalOperators } from './support/mortal-operator.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';
import { mailSettings } from './support/proofs-by-mail.ts';
import { startRelayOfCluster, type RelayOfCluster } from './support/relay-of-cluster.ts';
import { keyRecords, linesOf, lookNow, proofLine, retired, signedBy } from './support/sender-records.ts';

/** Timers know nothing of a clock that is moved: planning everything anew looks at it. */
const FULL_PLAN_MS = 300;

describeWithControlPlane('an operator that is killed between any two writes', (cluster) => {
  let kubeconfig: Promise<string> | undefined;
  const installed = (): Promise<string> => (kubeconfig ??= install(cluster()));

  test('leaves a domain that is verified, signs, and has turned its keys, as if nothing had happened', async (t) => {
    if (!needsCommand(t, 'nsd')) return;
    const dns = await startNsd(t);
    const config = await installed();
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const clock = createClock();
    const operators = startMortalOperators(t, {
      // one write, two or three: what is done at once is not always cut at the same place
      lifetimes: Array.from({ length: 60 }, (_, i) => 1 + (i % 3)),
      start: (options) =>
        startTestOperator(cluster(), config, {
          ...options,
          settings: { verification: { dnsServers: [dns.address] } },
          instead: { now: clock.now, fullPlanMs: FULL_PLAN_MS },
        }),
    });
    const key = 'killed/domain';
    await admin.apply(
      namespace('killed'),
      sender(key, { domain: 'killed.example', dkim: { signing: 'Enabled', interval: '336h' } }),
      user('killed/app'),
    );
    const proof = await proofLine(admin, key);
    await dns.serve([proof]);
    await lookNow(admin, key);
    await admin.waitFor('VerifiedSender', key, 'Verified', 'True DnsProof');
    await admin.waitFor('SmtpPlusUser', 'killed/app', 'Active', 'True Active');
    const first = await keyRecords(admin, key, 2);
    await dns.serve([proof, ...linesOf(first)]);
    await lookNow(admin, key);
    await signedBy(admin, key, first);

    clock.pass(14 * DAY);
    const both = await keyRecords(admin, key, 4);
    const second = both.filter(({ name }) => !first.some((one) => one.name === name));
    assert.equal(second.length, 2, 'the keys that sign are kept');
    await dns.serve([proof, ...linesOf(both)]);
    await lookNow(admin, key);
    await signedBy(admin, key, second);
    await retired(admin, key, first);
    clock.pass(8 * DAY);
    const left = await keyRecords(admin, key, 2);
    assert.deepEqual(new Set(left.map(({ name }) => name)), new Set(second.map(({ name }) => name)));

    await dns.serve([]);
    clock.pass(27 * HOUR);
    await admin.waitFor('VerifiedSender', key, 'Verified', 'True RecordNotFound');
    clock.pass(73 * HOUR);
    await admin.waitFor('VerifiedSender', key, 'Verified', 'False Revoked');
    await admin.waitFor('SmtpPlusUser', 'killed/app', 'Active', 'False NoVerifiedSender');
    assert.ok(operators.deaths() > 10, `${operators.deaths()} were killed`);
  });

  // a story for each write, one after the other
  const long = { timeout: 600_000 };
  test('leaves an address that is proven by its mail, whichever write was the last one', long, async (t) => {
    const config = await installed();
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const relay = await startRelayOfCluster(t, admin);
    await admin.apply(secret(`${OPERATOR_NAMESPACE}/relay-of-killed`, relay.tls));
    const clock = createClock();
    const start = (options: object): Promise<TestOperator> =>
      startTestOperator(cluster(), config, {
        settings: mailSettings(relay, 'relay-of-killed'),
        withCertificates: true,
        instead: { now: clock.now, fullPlanMs: FULL_PLAN_MS },
        ...options,
      });
    const replica = await start({ leads: false });
    t.after(replica.close);
    // until a whole story has fewer writes than that
    for (let writes = 1; ; writes++) {
      assert.ok(writes < 60, 'the story does not end');
      const name = `mortal-${writes}`;
      let operators: MortalOperators | undefined;
      await t.test(`after ${writes} writes`, async (one) => {
        // a mail is not sent again within a minute, and nobody knows whether the one before has left
        const onDeath = (): void => clock.pass(2 * MINUTE);
        operators = startMortalOperators(one, { lifetimes: [writes], start, onDeath });
        await live(name, { admin, relay, replica });
      });
      if (operators?.deaths() === 0) break;
    }
  });

  interface Stage {
    readonly admin: Admin;
    readonly relay: RelayOfCluster;
    readonly replica: TestOperator;
  }

  /** From a new address to a user that may send. */
  async function live(name: string, { admin, relay, replica }: Stage): Promise<void> {
    const address = `news@${name}.example`;
    await admin.apply(namespace(name), sender(`${name}/news`, { address }), user(`${name}/news`));
    await eventually(async () => {
      const { status } = await answerTo(replica, 'GET', await newestMail(relay, address));
      assert.equal(status, 200);
    });
    // whoever leads may be killed before it has taken that up
    await eventually(async () => {
      const { status } = await answerTo(replica, 'POST', await newestMail(relay, address));
      assert.ok([200, 202].includes(status), String(status));
    });
    await admin.waitFor('VerifiedSender', `${name}/news`, 'Verified', 'True EmailProof');
    await admin.waitFor('SmtpPlusUser', `${name}/news`, 'Active', 'True Active');
    await eventually(async () => assert.deepEqual(await notesIn(admin), []));
  }
});

async function newestMail({ state }: RelayOfCluster, address: string): Promise<ReadChallenge> {
  const mails = (await outbox(state)).filter(({ content }) => content.includes(`\nTo: ${address}\r`));
  return readChallenge(mails.at(-1)?.content ?? assert.fail(`no mail to ${address}`));
}

async function answerTo({ page }: TestOperator, method: string, { link = '' }: ReadChallenge) {
  return (await page(pageRequest(`/verify/${link.slice(link.lastIndexOf('/') + 1)}`, { method }))) ?? assert.fail();
}

/** Confirmations that nobody has taken up. */
async function notesIn(admin: Admin): Promise<readonly string[]> {
  const path = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets?labelSelector=smtpplus.io/mail-proofs`;
  const answer = await admin.client.request<{ items: readonly { data?: Record<string, string> }[] }>({
    method: 'GET',
    path,
  });
  assert.ok(answer.ok);
  return answer.body.items.flatMap(({ data = {} }) => Object.keys(data)).filter((key) => key.startsWith('confirmed.'));
}
