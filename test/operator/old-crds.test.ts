/** CRDs of another version than the operator: older ones, which Helm leaves in place, and newer ones, after a way back. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually, until } from '../support/eventually.ts';
import { createAdmin, namespace, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const USERS_CRD = fileURLToPath(new URL('../../crds/smtpplus.io_smtpplususers.yaml', import.meta.url));
const NAMES = Array.from({ length: 20 }, (_, i) => `u${i}`);

interface Schema {
  readonly properties: Record<string, Schema>;
  readonly items: Schema;
}

/** The CRD of users as in the repository, with something changed in its schema. */
function changedCrd(change: (schema: Schema) => void): string {
  const crd = parse(readFileSync(USERS_CRD, 'utf8')) as {
    spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
  };
  for (const { schema } of crd.spec.versions) change(schema.openAPIV3Schema);
  return JSON.stringify(crd);
}

describeWithControlPlane('with CRDs of another version', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  let operator: TestOperator;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
  });
  after(() => admin.client.close());

  const applyCrd = (crd: string) =>
    cluster().kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { stdin: crd });
  async function start(t: TestContext): Promise<void> {
    operator = await startTestOperator(cluster(), kubeconfig, { instead: { fullPlanMs: 300, crdProbeMs: 100 } });
    t.after(operator.close);
  }
  const statusOf = async (key: string) => ((await admin.get('SmtpPlusUser', key)) ?? assert.fail()).status ?? {};

  async function passes(): Promise<number> {
    const { values } = await operator.metrics.planSeconds.get();
    const full = values.find(({ metricName, labels }) => metricName?.endsWith('_count') && labels['pass'] === 'full');
    return full?.value ?? 0;
  }

  async function written(): Promise<number> {
    const { values } = await operator.metrics.writes.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  }

  async function documents(): Promise<number> {
    const { values } = await operator.metrics.writes.get();
    return values.find(({ labels }) => labels.what === 'document')?.value ?? 0;
  }

  /** After a few full plans there is one that leads to no write. */
  async function isQuiet(): Promise<void> {
    let writes = -1;
    for (let round = 0; round < 5 && writes !== (await written()); round++) {
      const planned = await passes();
      writes = await written();
      await until(async () => (await passes()) >= planned + 2, { what: 'everything is planned anew' });
    }
    assert.equal(await written(), writes);
  }

  test('an older one: writes what it can hold, says so once, and the rest when it is upgraded', async (t) => {
    await applyCrd(
      changedCrd(({ properties: { status } }) => {
        delete status?.properties['server'];
        delete status?.properties['conditions']?.items.properties['observedGeneration'];
      }),
    );
    await start(t);
    await admin.apply(namespace('shop'), ...NAMES.map((name) => user(`shop/${name}`)));
    for (const name of NAMES) {
      await eventually(async () => {
        const { conditions = [] } = await statusOf(`shop/${name}`);
        assert.equal(conditions.find(({ type }) => type === 'CredentialsReady')?.status, 'True');
      });
    }
    const { server, senders, conditions = [] } = await statusOf('shop/u0');
    assert.equal(server, undefined);
    assert.ok(senders !== undefined || conditions.length > 0);
    assert.ok(conditions.every((condition) => !('observedGeneration' in condition)));
    await isQuiet();
    // a Secret, and a status that changes a few times until the relays run it
    assert.ok((await written()) - (await documents()) <= 4 * NAMES.length, 'nothing is written over and over');
    const said = operator.troubles.filter((line) => line.includes('CRD'));
    assert.match(said.join('\n'), /^the CRD of SmtpPlusUser is of another version .* apply crds\/.*$/);
    assert.deepEqual([...operator.crdTroubles().values()], said);
    await eventually(async () => {
      const events = await cluster().kubectl(['get', 'events', '-A', '-o', 'jsonpath={..reason}']);
      assert.equal(events.split(' ').filter((reason) => reason === 'CrdOutdated').length, 1);
    });

    await applyCrd(readFileSync(USERS_CRD, 'utf8'));
    for (const name of NAMES) {
      await eventually(async () => assert.notEqual((await statusOf(`shop/${name}`))['server'], undefined));
    }
    assert.deepEqual([...operator.crdTroubles()], []);
    await isQuiet();
    for (const name of NAMES) await admin.remove('SmtpPlusUser', `shop/${name}`);
  });

  test('one that lacks a value: writes the other fields, says so once, and the rest when it is upgraded', async (t) => {
    await applyCrd(
      changedCrd(({ properties: { status } }) => {
        const sender = status?.properties['senders']?.items.properties['state'] as { enum?: string[] } | undefined;
        if (sender !== undefined) sender.enum = ['SomethingElse'];
      }),
    );
    await start(t);
    await admin.apply(
      namespace('values'),
      ...['a', 'b'].map((name) => user(`values/${name}`, { senders: ['x@y.example'] })),
    );
    for (const name of ['a', 'b']) {
      await eventually(async () => {
        const { conditions = [], senders, server } = await statusOf(`values/${name}`);
        assert.equal(conditions.find(({ type }) => type === 'CredentialsReady')?.status, 'True');
        assert.deepEqual([senders, server === undefined], [undefined, false]);
      });
    }
    await isQuiet();
    const said = operator.troubles.filter((line) => line.includes('CRD'));
    assert.match(said.join('\n'), /^the CRD of SmtpPlusUser is of another version .*state: Unsupported value.*$/);
    assert.deepEqual(operator.troubles, said);

    await applyCrd(readFileSync(USERS_CRD, 'utf8'));
    for (const name of ['a', 'b']) {
      await eventually(async () => assert.notEqual((await statusOf(`values/${name}`))['senders'], undefined));
    }
    await isQuiet();
    for (const name of ['a', 'b']) await admin.remove('SmtpPlusUser', `values/${name}`);
  });

  test('a newer one: leaves alone what it does not know, and is quiet', async (t) => {
    const added = { type: 'string', default: 'by the newer version' } as unknown as Schema;
    await applyCrd(
      changedCrd(({ properties: { spec, status } }) => {
        for (const part of [spec, status]) if (part !== undefined) part.properties['addedLater'] = added;
      }),
    );
    await start(t);
    await admin.apply(namespace('later'));
    await eventually(async () => {
      await admin.apply(user('later/app', { addedLater: 'something' }));
      assert.equal(((await admin.get('SmtpPlusUser', 'later/app')) ?? assert.fail()).spec?.['addedLater'], 'something');
    });
    await admin.waitFor('SmtpPlusUser', 'later/app', 'CredentialsReady', 'True CredentialsReady');
    await admin.patch('SmtpPlusUser', 'later/app', { spec: { active: false } });
    await admin.waitFor('SmtpPlusUser', 'later/app', 'Active', 'False Inactive');
    assert.equal((await statusOf('later/app'))['addedLater'], 'by the newer version');
    await isQuiet();
    const { spec } = (await admin.get('SmtpPlusUser', 'later/app')) ?? assert.fail();
    assert.equal(spec?.['addedLater'], 'something');
    assert.deepEqual([...operator.crdTroubles()], []);
    assert.deepEqual(
      operator.troubles.filter((line) => line.includes('status')),
      [],
    );
    await admin.remove('SmtpPlusUser', 'later/app');
  });
});
