/** Weeks in the life of senders on a real API server, with a real name server and a real relay, by a clock that is moved. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ReadChallenge } from '../support/challenge-mail.ts';
import { needsCommand } from '../support/commands.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { startNsd, type DnsServer } from '../support/dns-server.ts';
import { eventually } from '../support/eventually.ts';
import { pageRequest } from '../support/page-request.ts';
import { createAdmin, namespace, secret, sender, user, type Admin, type LiveObject } from './support/admin.ts';
import { createClock, DAY, HOUR, MINUTE, type Clock } from './support/clock.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';
import { mailSettings, mailTo } from './support/proofs-by-mail.ts';
import { startRelayOfCluster } from './support/relay-of-cluster.ts';
import {
  keyRecords,
  linesOf,
  lookNow,
  proofLine,
  relaysAnswer,
  relaysTake,
  removeEvidence,
  retired,
  signedBy,
} from './support/sender-records.ts';

/** Timers know nothing of a clock that is moved: planning everything anew looks at it. */
const FULL_PLAN_MS = 300;
const NOWHERE = '127.0.0.1:9';

describeWithControlPlane('as time passes on a cluster,', (cluster) => {
  let kubeconfig: Promise<string> | undefined;
  const installed = (): Promise<string> => (kubeconfig ??= install(cluster()));

  async function start(t: TestContext, clock: Clock, settings: object): Promise<TestOperator> {
    const instead = { now: clock.now, fullPlanMs: FULL_PLAN_MS };
    const operator = await startTestOperator(cluster(), await installed(), {
      settings,
      instead,
      withCertificates: true,
    });
    t.after(operator.close);
    return operator;
  }

  async function placeDomain(name: string, spec: object = {}): Promise<Admin> {
    await installed();
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(
      namespace(name),
      sender(`${name}/domain`, { domain: `${name}.example`, ...spec }),
      user(`${name}/app`),
    );
    return admin;
  }

  async function nsd(t: TestContext): Promise<DnsServer | undefined> {
    return needsCommand(t, 'nsd') ? startNsd(t) : undefined;
  }

  const byDns = (dns: DnsServer) => ({ verification: { dnsServers: [dns.address] } });

  /** Lets time pass, and waits for the look-up that is due by then. */
  const passToLookUp = (clock: Clock, ms: number, admin: Admin, key: string): Promise<LiveObject> => {
    clock.pass(ms);
    // times in statuses have no fractions of seconds
    const from = clock.now().getTime() - 1000;
    return eventually(async () => {
      const object = (await admin.get('VerifiedSender', key)) ?? assert.fail();
      const looked = String(object.status?.['lastCheckTime']);
      assert.ok(Date.parse(looked) >= from, looked);
      return object;
    });
  };

  test('a record that is lost has its grace, is revoked for users and relays, and is taken back', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const clock = createClock();
    const admin = await placeDomain('grace');
    await start(t, clock, byDns(dns));
    const proof = await proofLine(admin, 'grace/domain');
    await dns.serve([proof]);
    await lookNow(admin, 'grace/domain');
    await admin.waitFor('VerifiedSender', 'grace/domain', 'Verified', 'True DnsProof');
    await admin.waitFor('SmtpPlusUser', 'grace/app', 'Active', 'True Active');

    await dns.serve([]);
    clock.pass(27 * HOUR);
    const lost = await admin.waitFor('VerifiedSender', 'grace/domain', 'Verified', 'True RecordNotFound');
    assert.match(lost.message, /mail from this sender stops at/);
    const { status } = await passToLookUp(clock, 71 * HOUR, admin, 'grace/domain');
    assert.equal(status?.conditions?.find(({ type }) => type === 'Verified')?.status, 'True', 'within the grace');
    await eventually(async () => assert.equal(await relaysTake(admin, 'grace'), true));

    clock.pass(HOUR);
    await admin.waitFor('VerifiedSender', 'grace/domain', 'Verified', 'False Revoked');
    await admin.waitFor('SmtpPlusUser', 'grace/app', 'Active', 'False NoVerifiedSender');
    await eventually(async () => assert.equal(await relaysTake(admin, 'grace'), false));

    await dns.serve([proof]);
    await lookNow(admin, 'grace/domain');
    await admin.waitFor('VerifiedSender', 'grace/domain', 'Verified', 'True DnsProof');
    await admin.waitFor('SmtpPlusUser', 'grace/app', 'Active', 'True Active');
  });

  test('a record that never comes is looked up once a day after seven days, and in earnest once somebody asks', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const clock = createClock();
    const admin = await placeDomain('overdue');
    await start(t, clock, byDns(dns));
    await admin.waitFor('VerifiedSender', 'overdue/domain', 'Verified', 'False RecordNotFound');
    await passToLookUp(clock, 7 * DAY - HOUR, admin, 'overdue/domain');
    await admin.waitFor('VerifiedSender', 'overdue/domain', 'Verified', 'False RecordNotFound');

    clock.pass(2 * HOUR);
    await admin.waitFor('VerifiedSender', 'overdue/domain', 'Stalled', 'True ProofOverdue');
    const { status } = (await admin.get('VerifiedSender', 'overdue/domain')) ?? assert.fail();
    const next = Date.parse(String(status?.['nextCheckTime'])) - Date.parse(String(status?.['lastCheckTime']));
    assert.ok(next > 20 * HOUR, `the next look-up is in ${next / HOUR} h`);

    await admin.patch('VerifiedSender', 'overdue/domain', {
      metadata: { annotations: { 'smtpplus.io/check-now': '1' } },
    });
    await admin.waitFor('VerifiedSender', 'overdue/domain', 'Verified', 'False RecordNotFound');
    await dns.serve([await proofLine(admin, 'overdue/domain')]);
    await lookNow(admin, 'overdue/domain');
    await admin.waitFor('VerifiedSender', 'overdue/domain', 'Verified', 'True DnsProof');
  });

  test('keys for DKIM take turns: new ones sign once they are seen, the old ones go a week later', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const clock = createClock();
    const admin = await placeDomain('turns', { dkim: { signing: 'Enabled', interval: '336h' } });
    await start(t, clock, byDns(dns));
    const proof = await proofLine(admin, 'turns/domain');
    await dns.serve([proof]);
    clock.pass(HOUR);
    const first = await keyRecords(admin, 'turns/domain', 2);
    await dns.serve([proof, ...linesOf(first)]);
    await lookNow(admin, 'turns/domain');
    await signedBy(admin, 'turns/domain', first);

    clock.pass(14 * DAY);
    await admin.waitFor('VerifiedSender', 'turns/domain', 'Signing', 'True NextKeysAwaited');
    const both = await keyRecords(admin, 'turns/domain', 4);
    const second = both.filter(({ name }) => !first.some((one) => one.name === name));
    assert.equal(second.length, 2);
    await signedBy(admin, 'turns/domain', first);

    await dns.serve([proof, ...linesOf(both)]);
    await lookNow(admin, 'turns/domain');
    await signedBy(admin, 'turns/domain', second);
    await admin.waitFor('VerifiedSender', 'turns/domain', 'Signing', 'True Signed');
    await retired(admin, 'turns/domain', first);
    await passToLookUp(clock, 7 * DAY - HOUR, admin, 'turns/domain');
    await keyRecords(admin, 'turns/domain', 4);
    clock.pass(2 * HOUR);
    const left = await keyRecords(admin, 'turns/domain', 2);
    assert.deepEqual(new Set(left.map(({ name }) => name)), new Set(second.map(({ name }) => name)));
    await signedBy(admin, 'turns/domain', second);
  });

  test('where the proof of a shared sender is lost, and nobody can be asked, mail waits for as long as a record may be missing', async (t) => {
    const dns = await nsd(t);
    if (dns === undefined) return;
    const clock = createClock();
    const admin = await placeDomain('lossy', { allowedNamespaces: { from: 'All' } });
    await admin.apply(namespace('lossy-guest'), user('lossy-guest/app'));
    const operator = await start(t, clock, byDns(dns));
    await dns.serve([await proofLine(admin, 'lossy/domain')]);
    await lookNow(admin, 'lossy/domain');
    await admin.waitFor('VerifiedSender', 'lossy/domain', 'Verified', 'True DnsProof');
    const answers = (of: string): Promise<void> =>
      eventually(async () => {
        for (const name of ['lossy', 'lossy-guest']) {
          assert.equal(await relaysAnswer(admin, name, '@lossy.example'), of, name);
        }
      });
    await answers('taken');
    await operator.close();

    clock.pass(HOUR);
    await removeEvidence(admin, 'smtpplus.io/evidence');
    const blind = await start(t, clock, { verification: { dnsServers: [NOWHERE] } });
    await admin.waitFor('VerifiedSender', 'lossy/domain', 'Verified', 'False LookupFailed');
    await answers('to wait');
    await blind.close();
    const next = await start(t, clock, byDns(dns));
    await dns.serve([]);
    await lookNow(admin, 'lossy/domain');
    const missing = await admin.waitFor('VerifiedSender', 'lossy/domain', 'Verified', 'False RecordNotFound');
    assert.match(missing.message, /What proved it was lost; relays ask clients to try again/);
    await answers('to wait');
    clock.pass(73 * HOUR);
    await answers('refused');
    await dns.serve([await proofLine(admin, 'lossy/domain')]);
    await lookNow(admin, 'lossy/domain');
    await admin.waitFor('VerifiedSender', 'lossy/domain', 'Verified', 'True DnsProof');
    await answers('taken');
    assert.deepEqual(next.troubles, []);
  });

  test('link and code of a mail expire after a day, and another mail has to be asked for', async (t) => {
    const { admin, relay, clock, operator } = await setUpMail(t);
    await admin.apply(namespace('expiry'), sender('expiry/news', { address: 'news@expiry.example' }));
    const mail = await mailTo(relay, 'news@expiry.example');
    await eventually(async () => assert.equal(await answerTo(operator, 'GET', mail), 200));
    clock.pass(DAY - MINUTE);
    assert.equal(await answerTo(operator, 'GET', mail), 200);
    clock.pass(2 * MINUTE);
    assert.equal(await answerTo(operator, 'GET', mail), 404);
    assert.equal(await answerTo(operator, 'POST', mail), 404);
    await admin.waitFor('VerifiedSender', 'expiry/news', 'Stalled', 'True CodeExpired');

    await admin.patch('VerifiedSender', 'expiry/news', { spec: { email: { code: mail.code } } });
    await admin.waitFor('VerifiedSender', 'expiry/news', 'Verified', 'False CodeExpired');
    await admin.patch('VerifiedSender', 'expiry/news', { metadata: { annotations: { 'smtpplus.io/resend': '1' } } });
    const another = await mailTo(relay, 'news@expiry.example', 2);
    await eventually(async () => assert.equal(await answerTo(operator, 'POST', another), 200));
    await admin.waitFor('VerifiedSender', 'expiry/news', 'Verified', 'True EmailProof');
  });

  test('an object that is made anew within an hour keeps the proof of its address, and loses it later', async (t) => {
    const { admin, relay, clock, operator } = await setUpMail(t);
    const [key, address] = ['anew/news', 'news@anew.example'];
    await admin.apply(namespace('anew'), sender(key, { address }));
    const mail = await mailTo(relay, address);
    await eventually(async () => assert.equal(await answerTo(operator, 'POST', mail), 200));
    await admin.waitFor('VerifiedSender', key, 'Verified', 'True EmailProof');

    const remove = async (): Promise<void> => {
      await admin.remove('VerifiedSender', key);
      // the page says nothing of an address that nobody names
      await eventually(async () => assert.equal(await answerTo(operator, 'POST', mail), 404));
    };
    await remove();
    clock.pass(59 * MINUTE);
    await admin.apply(sender(key, { address }));
    await admin.waitFor('VerifiedSender', key, 'Verified', 'True EmailProof');
    // by what is kept, too
    await eventually(async () => assert.equal(await answerTo(operator, 'POST', mail), 200));
    await remove();
    clock.pass(61 * MINUTE);
    await admin.apply(sender(key, { address }));
    await mailTo(relay, address, 2);
    await admin.waitFor('VerifiedSender', key, 'Verified', 'False Pending');
  });

  async function setUpMail(t: TestContext) {
    await installed();
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    const relay = await startRelayOfCluster(t, admin);
    await admin.apply(secret(`${OPERATOR_NAMESPACE}/relay-in-time`, relay.tls));
    const clock = createClock();
    const operator = await start(t, clock, mailSettings(relay, 'relay-in-time'));
    return { admin, relay, clock, operator };
  }

  async function answerTo({ page }: TestOperator, method: string, { link = '' }: ReadChallenge): Promise<number> {
    const answer = await page(pageRequest(`/verify/${link.slice(link.lastIndexOf('/') + 1)}`, { method }));
    return answer?.status ?? assert.fail();
  }
});
