/** `spec.dns.publish: DNSEndpoint` on a real API server: what is written, whose it is, and what nobody gets by cheating. */
import assert from 'node:assert/strict';
import { before, test, type TestContext } from 'node:test';
import { API_VERSION } from '../../operator/api/common.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually, until } from '../support/eventually.ts';
import { createAdmin, namespace, sender, type Admin } from './support/admin.ts';
import { endpoint, installEndpoints, recordsIn, recordsOf, removeEndpoints } from './support/dns-endpoints.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

/** Nothing answers: senders are verified by the settings, and keys are made all the same. */
const NOWHERE = '127.0.0.1:9';
const LABELS = { 'app.kubernetes.io/managed-by': 'smtp-plus' };
const ASKS = { dns: { publish: 'DNSEndpoint' }, dkim: { signing: 'Enabled' } };

describeWithControlPlane('DNSEndpoints', (cluster) => {
  let kubeconfig: string;
  let admin: Admin;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
  });

  /** Of these namespaces, each NAMESPACE.example is vouched for. */
  async function start(
    t: Pick<TestContext, 'after'>,
    places: readonly string[],
    { dnsEndpoints = 'DKIM' }: { readonly dnsEndpoints?: 'None' | 'DKIM' | 'All' } = {},
  ): Promise<TestOperator> {
    for (const place of places) await admin.apply(namespace(place));
    const existingSenders = places.map((place) => ({ [place]: `${place}.example` }));
    const operator = await startTestOperator(cluster(), kubeconfig, {
      settings: {
        verification: { dnsServers: [NOWHERE], dnsEndpoints },
        classes: { default: { existingSenders } },
      },
      instead: { crdProbeMs: 100 },
    });
    t.after(operator.close);
    return operator;
  }

  const wish = (place: string, spec: object = ASKS) =>
    sender(`${place}/domain`, { domain: `${place}.example`, ...spec });
  const get = (place: string) => admin.get('DNSEndpoint', `${place}/domain-smtp-plus`);
  const published = (place: string, wanted: string) =>
    admin.waitFor('VerifiedSender', `${place}/domain`, 'Published', wanted);
  const touch = (place: string) =>
    admin.patch('VerifiedSender', `${place}/domain`, {
      metadata: { annotations: { 'smtpplus.io/check-now': String(performance.now()) } },
    });

  /** Names and values of the records of keys, by the status. */
  async function keyRecords(place: string): Promise<readonly object[]> {
    const { status } = (await admin.get('VerifiedSender', `${place}/domain`)) ?? {};
    const records = (status?.['dnsRecords'] ?? []) as { purpose: string; name: string; value: string }[];
    return records
      .filter(({ purpose }) => purpose === 'DKIM')
      .map(({ name, value }) => ({ dnsName: name, recordType: 'TXT', targets: [value] }));
  }

  async function gone(place: string): Promise<void> {
    await eventually(async () => assert.equal(await get(place), undefined));
  }

  test('have the records of the keys of a verified domain, belong to their sender, and are written once', async (t) => {
    await installEndpoints(cluster());
    const operator = await start(t, ['keys']);
    await admin.apply(wish('keys'));
    const { message } = await published('keys', 'True Published');
    assert.match(message, /domain-smtp-plus has the records\. external-dns has not said/);
    const made = await get('keys');
    assert.deepEqual(recordsOf(made), await keyRecords('keys'));
    assert.equal(recordsOf(made).length, 2);
    assert.deepEqual(made?.metadata.labels, LABELS);
    const { metadata } = (await admin.get('VerifiedSender', 'keys/domain')) ?? assert.fail();
    const owner = { apiVersion: API_VERSION, kind: 'VerifiedSender', name: 'domain', uid: metadata.uid };
    assert.deepEqual(made?.metadata.ownerReferences, [{ ...owner, controller: true }]);

    const { generation } = made?.metadata ?? {};
    await admin.patch('DNSEndpoint', 'keys/domain-smtp-plus', { status: { observedGeneration: generation } }, 'status');
    await eventually(async () => assert.match((await published('keys', 'True Published')).message, /has read it/));
    assert.deepEqual(operator.troubles, []);
    await operator.idle();
    await operator.close();

    const next = await start(t, ['keys']);
    await next.idle();
    await published('keys', 'True Published');
    const [{ metadata: after }, { metadata: sender }] = [
      (await get('keys')) ?? assert.fail(),
      (await admin.get('VerifiedSender', 'keys/domain')) ?? assert.fail(),
    ];
    assert.equal(after.generation, generation);
    assert.equal(sender.uid, metadata.uid);
    assert.deepEqual(next.troubles, []);
  });

  test('that the cluster does not know are missed without a line in the log, and made once it does', async (t) => {
    await removeEndpoints(cluster());
    const operator = await start(t, ['late']);
    await admin.apply(wish('late'));
    const { message } = await published('late', 'False CrdMissing');
    assert.match(message, /externaldns\.k8s\.io\/v1alpha1.*Install external-dns/);
    await admin.waitFor('VerifiedSender', 'late/domain', 'Ready', 'True Verified');
    await installEndpoints(cluster());
    await published('late', 'True Published');
    assert.equal(recordsOf(await get('late')).length, 2);

    await removeEndpoints(cluster());
    await published('late', 'False CrdMissing');
    await installEndpoints(cluster());
    await published('late', 'True Published');
    assert.deepEqual(await recordsIn(admin, 'late'), await keyRecords('late'));
    assert.deepEqual(operator.troubles, []);
  });

  test('go when the sender no longer asks for one, and come back when it does', async (t) => {
    await installEndpoints(cluster());
    await start(t, ['fickle']);
    for (let i = 0; i < 7; i++) {
      await admin.apply(wish('fickle'));
      await published('fickle', 'True Published');
      await admin.apply(wish('fickle', { dkim: ASKS.dkim, dns: { publish: 'None' } }));
      await gone('fickle');
    }
    await eventually(async () => {
      const { status } = (await admin.get('VerifiedSender', 'fickle/domain')) ?? {};
      assert.ok(status?.conditions?.every(({ type }) => type !== 'Published'));
    });
  });

  test('have the proof only while the platform owner says so, and none are asked for where none are allowed', async (t) => {
    await installEndpoints(cluster());
    const all = await start(t, ['proof'], { dnsEndpoints: 'All' });
    await admin.apply(wish('proof'));
    const names = async () => recordsOf(await get('proof')).map(({ dnsName }) => dnsName.replace(/\..*/, ''));
    await eventually(async () => assert.equal((await names()).length, 3));
    assert.equal((await names())[0], '_smtpplus-challenge');
    await all.close();
    const some = await start(t, ['proof'], { dnsEndpoints: 'DKIM' });
    await eventually(async () => assert.equal((await names()).length, 2));
    assert.ok(!(await names()).includes('_smtpplus-challenge'));
    await some.close();
    await start(t, ['proof'], { dnsEndpoints: 'None' });
    await published('proof', 'False PublishUnavailable');
  });

  test('that somebody deletes or changes are put right', async (t) => {
    await installEndpoints(cluster());
    const operator = await start(t, ['meddled']);
    await admin.apply(wish('meddled'));
    await published('meddled', 'True Published');
    const right = async () => {
      const found = await get('meddled');
      assert.deepEqual(recordsOf(found), await keyRecords('meddled'));
      assert.deepEqual(found?.metadata.labels, LABELS);
    };
    await admin.remove('DNSEndpoint', 'meddled/domain-smtp-plus');
    await eventually(right);
    const [first] = recordsOf(await get('meddled'));
    await admin.patch('DNSEndpoint', 'meddled/domain-smtp-plus', {
      spec: { endpoints: [first, { dnsName: 'www.bank.example', recordType: 'A', targets: ['192.0.2.1'] }] },
    });
    await eventually(right);
    await admin.patch('DNSEndpoint', 'meddled/domain-smtp-plus', {
      metadata: { labels: { 'app.kubernetes.io/managed-by': null } },
    });
    await eventually(right);
    await published('meddled', 'True Published');
    assert.deepEqual(operator.troubles, []);
  });

  test('that somebody else changes each time are left alone after a while, which is said', async (t) => {
    await installEndpoints(cluster());
    const operator = await start(t, ['fight']);
    await admin.apply(wish('fight'));
    await published('fight', 'True Published');
    const theirs = { spec: { endpoints: [{ dnsName: 'theirs.example', recordType: 'TXT', targets: ['theirs'] }] } };
    const reason = async () => {
      const { status } = (await admin.get('VerifiedSender', 'fight/domain')) ?? {};
      return status?.conditions?.find(({ type }) => type === 'Published')?.reason;
    };
    await until(
      async () => {
        if (recordsOf(await get('fight')).length === 2)
          await admin.patch('DNSEndpoint', 'fight/domain-smtp-plus', theirs);
        return (await reason()) === 'EndpointNotWritten';
      },
      { what: 'it gives in' },
    );
    assert.match((await published('fight', 'False EndpointNotWritten')).message, /Somebody else changed.*10 minutes/);
    await operator.idle();
    assert.deepEqual(recordsOf(await get('fight')), theirs.spec.endpoints);
    assert.equal(operator.troubles.length, 1);
    assert.match(operator.troubles[0] ?? '', /^VerifiedSender fight\/domain: Somebody else/);
  });

  test('of others are never touched, whatever they claim', async (t) => {
    await installEndpoints(cluster());
    const places = ['plain', 'labelled', 'owned', 'forged'];
    for (const place of places) await admin.apply(namespace(place));
    const ownedBy = (name: string, uid: string) => ({
      ownerReferences: [{ apiVersion: API_VERSION, kind: 'VerifiedSender', name, uid, controller: true }],
    });
    await admin.apply(sender('forged/other', { domain: 'other.example' }));
    const { metadata: other } = (await admin.get('VerifiedSender', 'forged/other')) ?? assert.fail();
    const owner = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'app', uid: 'of-somebody-else', controller: true }];
    const claims: Readonly<Record<string, object>> = {
      plain: {},
      labelled: { labels: LABELS },
      owned: { labels: LABELS, ownerReferences: owner },
      forged: { labels: LABELS, ...ownedBy('other', other.uid) },
    };
    for (const place of places) await admin.apply(endpoint(`${place}/domain-smtp-plus`, claims[place]));
    const theirs = await Promise.all(places.map(get));
    const operator = await start(t, places);
    for (const place of places) await admin.apply(wish(place));
    for (const place of places) {
      const { message } = await published(place, 'False EndpointNotOwned');
      assert.match(message, /domain-smtp-plus belongs to somebody else.*Delete it/);
    }
    // nor when they are not asked for any more
    for (const place of places) await admin.apply(wish(place, { dkim: ASKS.dkim, dns: { publish: 'None' } }));
    for (const place of places) {
      await eventually(async () => {
        const { status } = (await admin.get('VerifiedSender', `${place}/domain`)) ?? {};
        assert.ok(status?.conditions?.every(({ type }) => type !== 'Published'));
      });
    }
    await operator.idle();
    assert.deepEqual(await Promise.all(places.map(get)), theirs);

    for (const place of places) await admin.apply(wish(place));
    for (const place of places) await published(place, 'False EndpointNotOwned');
    for (const place of places) await admin.remove('DNSEndpoint', `${place}/domain-smtp-plus`);
    for (const place of places) await touch(place);
    for (const place of places) await published(place, 'True Published');
    assert.deepEqual(operator.troubles, []);
  });

  test('are not made for the domain of somebody else, nor by the label on one that nobody asked for', async (t) => {
    await installEndpoints(cluster());
    await admin.apply(namespace('thief'));
    const stray = endpoint('thief/mine', { labels: LABELS });
    await admin.apply(stray);
    const operator = await start(t, ['victim']);
    await admin.apply(wish('victim'), sender('thief/domain', { domain: 'victim.example', ...ASKS }));
    await published('victim', 'True Published');
    await operator.idle();
    assert.deepEqual(
      (await recordsIn(admin, 'thief')).map(({ dnsName }) => dnsName),
      ['by-hand.example'],
    );
    await operator.close();

    // where the platform owner trusts everybody with their own token, that is all there is
    await start(t, ['victim'], { dnsEndpoints: 'All' });
    await eventually(async () => {
      const [proof, ...more] = recordsOf(await get('thief'));
      assert.deepEqual([proof?.dnsName, more.length], ['_smtpplus-challenge.victim.example', 0]);
      const own = recordsOf(await get('victim')).find(({ dnsName }) => dnsName === proof?.dnsName);
      assert.ok(own !== undefined);
      assert.notDeepEqual(own.targets, proof?.targets);
    });
  });

  test('go with their sender, and one of the same name gets one of its own', async (t) => {
    await installEndpoints(cluster());
    const operator = await start(t, ['anew']);
    await admin.apply(wish('anew'));
    await published('anew', 'True Published');
    const before = (await get('anew')) ?? assert.fail();
    await admin.remove('VerifiedSender', 'anew/domain');
    await admin.apply(wish('anew'));
    // Kubernetes deletes what belongs to an object that is gone; here there is nobody else to do so
    await published('anew', 'False EndpointAwaited');
    assert.equal((await get('anew'))?.metadata.uid, before.metadata.uid);
    await admin.remove('DNSEndpoint', 'anew/domain-smtp-plus');
    await published('anew', 'True Published');
    const [after, { metadata }] = [
      (await get('anew')) ?? assert.fail(),
      (await admin.get('VerifiedSender', 'anew/domain')) ?? assert.fail(),
    ];
    assert.equal(after.metadata.ownerReferences?.[0]?.uid, metadata.uid);

    // under another name it is another sender
    await admin.apply(sender('anew/renamed', { domain: 'anew.example', ...ASKS }));
    await admin.waitFor('VerifiedSender', 'anew/renamed', 'Published', 'True Published');
    const names = async () => recordsOf(await admin.get('DNSEndpoint', 'anew/renamed-smtp-plus'));
    const old = new Set(recordsOf(await get('anew')).map(({ dnsName }) => dnsName));
    assert.ok((await names()).every(({ dnsName }) => !old.has(dnsName)));
    assert.deepEqual(operator.troubles, []);
  });

  test('that an admission policy refuses are said, with its words, and tried again', async (t) => {
    await installEndpoints(cluster());
    const policy = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name: 'no-endpoints' } };
    const stdin = [
      {
        ...policy,
        kind: 'ValidatingAdmissionPolicy',
        spec: {
          failurePolicy: 'Fail',
          matchConstraints: {
            resourceRules: [
              {
                apiGroups: ['externaldns.k8s.io'],
                apiVersions: ['*'],
                operations: ['CREATE'],
                resources: ['dnsendpoints'],
              },
            ],
          },
          validations: [{ expression: "request.namespace != 'refused'", message: 'ask the DNS team first' }],
        },
      },
      {
        ...policy,
        kind: 'ValidatingAdmissionPolicyBinding',
        spec: { policyName: 'no-endpoints', validationActions: ['Deny'] },
      },
    ];
    const items = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: stdin });
    await cluster().kubectl(['apply', '-f', '-'], { stdin: items });
    t.after(() => cluster().kubectl(['delete', '--ignore-not-found', '-f', '-'], { stdin: items }));
    await admin.apply(namespace('refused'));
    // a policy is in force a while after it was made
    let tries = 0;
    const probe = () => admin.apply(endpoint(`refused/probe-${tries++}`));
    await eventually(() => assert.rejects(probe(), /DNS team/));
    const operator = await start(t, ['refused']);
    await admin.apply(wish('refused'));
    assert.match((await published('refused', 'False EndpointNotWritten')).message, /ask the DNS team first/);
    assert.equal(operator.troubles.length, 1);
    await cluster().kubectl(['delete', '-f', '-'], { stdin: items });
    await eventually(probe);
    await touch('refused');
    await published('refused', 'True Published');
  });

  test('that the operator has no right to are said in the log once, and in each status', async (t) => {
    await installEndpoints(cluster());
    t.after(() => cluster().kubectl(['apply', '-f', 'deploy/rbac.yaml']));
    const role = 'clusterrole/smtp-plus-operator';
    const { rules } = JSON.parse(await cluster().kubectl(['get', role, '-o', 'json'])) as {
      rules: { apiGroups: string[] }[];
    };
    const others = rules.filter(({ apiGroups }) => !apiGroups.includes('externaldns.k8s.io'));
    await cluster().kubectl(['patch', role, '--type=merge', '-p', JSON.stringify({ rules: others })]);
    await eventually(() =>
      assert.rejects(cluster().kubectl(['get', 'dnsendpoints', '-A'], { kubeconfig }), /forbidden/i),
    );
    const operator = await start(t, ['powerless']);
    await admin.apply(wish('powerless'));
    assert.match((await published('powerless', 'False EndpointNotWritten')).message, /no right to DNSEndpoints.*rbac/);
    assert.equal(operator.troubles.length, 1);
    await cluster().kubectl(['apply', '-f', 'deploy/rbac.yaml']);
    await published('powerless', 'True Published');
    assert.equal(operator.troubles.length, 1);
  });
});
