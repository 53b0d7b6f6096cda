/** Everything is planned anew from time to time, a safety net, and at each start: both must hold and must cost nothing. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { readClasses } from '../../operator/kubernetes/classes.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually, until } from '../support/eventually.ts';
import { createAdmin, list, namespace, secret, sender, user } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator, type TestOperator } from './support/operator.ts';

const LOG_KEY = '0'.repeat(64);

const settings = { classes: { default: { existingSenders: [{ shop: 'shop.example' }] } } };
const FULL_PLAN_MS = 300;
const VERSIONS = 'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}';

describeWithControlPlane('the plan of everything', (cluster) => {
  let kubeconfig: string;
  before(async () => {
    kubeconfig = await install(cluster());
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('shop'), sender('shop/domain', { domain: 'shop.example' }), list('shop/letters'));
    await admin.apply(user('shop/a', { listRef: { name: 'letters' } }), user('shop/b', { active: false }));
    await admin.apply(
      secret('shop/chosen', { password: 'correct horse battery' }),
      user('shop/c', { credentials: { passwordSecretRef: { name: 'chosen' } } }),
    );
    admin.client.close();
  });

  test('from time to time, comes to the same as before, and writes nothing', async () => {
    const operator = await startTestOperator(cluster(), kubeconfig, {
      settings,
      instead: { fullPlanMs: FULL_PLAN_MS },
    });
    await isQuiet(operator);
    assert.deepEqual(operator.troubles, []);
    await operator.close();
  });

  test('at a start, with nothing changed since the last one, writes nothing', async () => {
    const versions = () =>
      cluster().kubectl(['get', 'smtpplususers,smtppluslists,verifiedsenders,secrets', '-A', '-o', VERSIONS]);
    const first = await startTestOperator(cluster(), kubeconfig, { settings, instead: { fullPlanMs: FULL_PLAN_MS } });
    await isQuiet(first);
    await first.close();
    const before = await versions();
    const second = await startTestOperator(cluster(), kubeconfig, { settings });
    await second.idle();
    assert.equal(second.writes(), 0);
    assert.equal(await versions(), before);
    assert.deepEqual(second.troubles, []);
    await second.close();
  });

  test('from time to time, takes in what no event has told, such as other settings', async () => {
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    let hostname = 'old.example';
    const current = () => settingsSchema.parse({ classes: { default: { ...settings.classes.default, hostname } } });
    const operator = await startTestOperator(cluster(), kubeconfig, {
      instead: {
        fullPlanMs: FULL_PLAN_MS,
        readClasses: () =>
          readClasses(current(), { logKeyOf: () => LOG_KEY, counterKeyOf: () => LOG_KEY, pageToken: () => '' }),
      },
    });
    const before = await admin.secret('shop/a-smtp');
    hostname = 'new.example';
    await eventually(async () => assert.equal((await admin.secret('shop/a-smtp'))['host'], 'new.example'));
    assert.equal((await admin.secret('shop/a-smtp'))['password'], before['password']);
    await operator.close();
    admin.client.close();
  });
});

/** Several full plans have come, and none has led to a write. Counts and Events are written later than the rest. */
async function isQuiet(operator: TestOperator): Promise<void> {
  await eventually(async () => {
    const [writes, passes] = [operator.writes(), await fullPlans(operator)];
    await until(async () => (await fullPlans(operator)) >= passes + 3, { what: 'several full plans' });
    await operator.idle();
    assert.equal(operator.writes(), writes);
  });
}

async function fullPlans({ metrics }: TestOperator): Promise<number> {
  const { values } = await metrics.planSeconds.get();
  return values.find(({ labels, metricName }) => labels.pass === 'full' && metricName?.endsWith('_count'))?.value ?? 0;
}
