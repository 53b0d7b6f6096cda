/** Whatever ends or cuts off an operator, the next one makes the same of the cluster. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { createAdmin, list, namespace, secret, sender, user, type Admin } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE, startTestOperator } from './support/operator.ts';

const settings = { classes: { default: { existingSenders: [{ shop: 'shop.example' }] } } };
const USERS = ['a', 'b', 'own'];
const OBJECTS = [
  sender('shop/domain', { domain: 'shop.example' }),
  list('shop/letters'),
  user('shop/a', { listRef: { name: 'letters' } }),
  user('shop/b'),
  user('shop/own', { credentials: { passwordSecretRef: { name: 'chosen' } } }),
];

/** A rotation, which patches a Secret, and another name for one, which deletes it. */
const CHANGES = [
  user('shop/a', { listRef: { name: 'letters' }, credentials: { rotation: { trigger: 'now', overlap: '1h' } } }),
  user('shop/b', { credentials: { secretName: 'b-other' } }),
];
const SECRETS = [...USERS.map((name) => `${name}-smtp`), 'b-other'];

describeWithControlPlane('an operator that is interrupted', (cluster) => {
  let admin: Admin;
  let kubeconfig: string;
  before(async () => {
    kubeconfig = await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('shop'), secret('shop/chosen', { password: 'correct horse battery' }));
  });
  after(() => admin.client.close());
  const start = (writableMs = () => 30_000) => startTestOperator(cluster(), kubeconfig, { settings, writableMs });

  /** What the operator has made, without what differs between two runs: passwords, times, versions. */
  async function outcome(): Promise<unknown> {
    const relay = await admin.relayUsers();
    const users = USERS.map((name) => {
      const { active, list, credentials = [] } = relay[`${name}.shop`] ?? {};
      return { active, list, passwords: credentials.length };
    });
    const secrets = await Promise.all(
      SECRETS.map(async (name) => Object.keys((await admin.get('Secret', `shop/${name}`))?.data ?? {})),
    );
    const objects = await Promise.all(OBJECTS.map(({ kind, metadata }) => admin.get(kind, `shop/${metadata.name}`)));
    const conditions = objects.map((object) =>
      object?.status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
    );
    return { users, secrets, conditions };
  }

  async function removeObjects(): Promise<void> {
    for (const { kind, metadata } of OBJECTS) await admin.remove(kind, `shop/${metadata.name}`);
    await eventually(async () => {
      assert.deepEqual(await admin.relayUsers(), {});
      for (const name of SECRETS) assert.equal(await admin.get('Secret', `shop/${name}`), undefined);
    });
  }

  const passwords = () =>
    Promise.all(SECRETS.map(async (name) => (await admin.get('Secret', `shop/${name}`))?.data?.['password']));

  /** An operator that may write this often and then no more, as if it had been killed. Whether it came to that. */
  async function interruptAfter(writes: number): Promise<boolean> {
    let left = writes;
    const refused = Promise.withResolvers<boolean>();
    const operator = await start(() => {
      if (left-- > 0) return 30_000;
      refused.resolve(true);
      return 0;
    });
    const wasRefused = await Promise.race([refused.promise, operator.idle().then(() => false)]);
    await operator.close();
    return wasRefused;
  }

  test('after any one of its writes leaves what an uninterrupted one would have made of it', async () => {
    const whole = await start();
    await admin.apply(...OBJECTS);
    await eventually(async () => assert.equal(Object.keys(await admin.relayUsers()).length, USERS.length));
    await whole.idle();
    const expected = await outcome();
    await removeObjects();
    await whole.close();
    let interrupted = 0;
    for (; ; interrupted++) {
      await admin.apply(...OBJECTS);
      if (!(await interruptAfter(interrupted))) break;
      const before = await passwords();
      const next = await start();
      await eventually(async () => assert.deepEqual(await outcome(), expected, `after write ${interrupted}`));
      for (const [i, password] of (await passwords()).entries()) assert.equal(password, before[i] ?? password);
      assert.deepEqual(next.troubles, []);
      await removeObjects();
      await next.close();
    }
    assert.ok(interrupted > 10, `only ${interrupted} writes`);
  });

  test('after any one of its writes about a change leaves what an uninterrupted one would have made of it', async () => {
    const changed = { users: [2, 2, 1], other: true };
    const made = async () => {
      const relay = await admin.relayUsers();
      const users = USERS.map((name) => relay[`${name}.shop`]?.credentials.length);
      const gone = (await admin.get('Secret', 'shop/b-smtp')) === undefined;
      return { users, other: gone && (await admin.get('Secret', 'shop/b-other')) !== undefined };
    };
    let interrupted = 0;
    for (; ; interrupted++) {
      const whole = await start();
      await admin.apply(...OBJECTS);
      await eventually(async () => assert.deepEqual((await made()).users, [1, 1, 1]));
      await whole.idle();
      const [first] = await passwords();
      await whole.close();
      await admin.apply(...CHANGES);
      const wasRefused = await interruptAfter(interrupted);
      const next = await start();
      await eventually(async () => assert.deepEqual(await made(), changed, `after write ${interrupted}`));
      assert.notEqual((await passwords())[0], first, 'the password was rotated');
      assert.deepEqual(next.troubles, []);
      await removeObjects();
      await next.close();
      if (!wasRefused) break;
    }
    assert.ok(interrupted > 5, `only ${interrupted} writes`);
  });

  test('goes on when the API server comes back after a while', async () => {
    const operator = await start();
    await admin.apply(namespace('away'), user('away/before'));
    await admin.secret('away/before-smtp');
    await cluster().stopApiServer();
    await cluster().startApiServer();
    await admin.apply(user('away/after'));
    await admin.secret('away/after-smtp');
    await eventually(async () => assert.ok((await admin.relayUsers())['after.away']));
    for (const name of ['before', 'after']) await admin.remove('SmtpPlusUser', `away/${name}`);
    await eventually(async () => assert.deepEqual(await admin.relayUsers(), {}));
    await operator.close();
  });
});
