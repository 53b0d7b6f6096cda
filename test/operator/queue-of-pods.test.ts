/** The queues and logs of relay pods, through a real API server; what runs in the pods runs on this machine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { createLog, type Log } from '../../relay/observe/log.ts';
import { openAdminSocket } from '../../relay/admin/socket.ts';
import { startDelivery } from '../../relay/delivery/deliver.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { openSpool } from '../../relay/spool/spool.ts';
import { jsonOf, runCommand } from '../support/command.ts';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { folderOf } from '../support/folder.ts';
import { aMessage, CONTENT } from '../support/queued.ts';
import { createAdmin, type Admin } from './support/admin.ts';
import { startFakeKubelet, type FakeKubelet } from './support/fake-kubelet.ts';
import { install, OPERATOR_NAMESPACE } from './support/operator.ts';

interface Listed {
  readonly messages: readonly { readonly id: string; readonly pod: string; readonly state: string }[];
  readonly silent: readonly string[];
}

describeWithControlPlane('the queues of relay pods', (cluster) => {
  let admin: Admin;
  let kubelet: FakeKubelet;
  let at: readonly string[];
  before(async () => {
    await install(cluster());
    admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    kubelet = await startFakeKubelet(admin, 'node-0');
    at = ['--kubeconfig', cluster().kubeconfig];
  });
  after(() => {
    kubelet.close();
    admin.client.close();
  });

  /** A relay pod with these messages in its spool, as they wait where there is no configuration. */
  async function startPod(
    t: TestContext,
    name: string,
    { ids, log }: { ids: readonly string[]; log?: readonly string[] },
  ) {
    const state = await folderOf(t);
    const lines: string[] = [];
    const relayLog: Log = createLog({ write: (line: string) => void lines.push(line) });
    const metrics = createMetrics();
    const folder = join(state, 'spool');
    const spool = await openSpool(folder, { metrics, log: relayLog, reserveBytes: () => 0 });
    const delivery = startDelivery({ spool, config: () => undefined, captureFolder: state, metrics, log: relayLog });
    const closeSocket = await openAdminSocket(folder, { spool, queue: delivery.queue ?? assert.fail(), log: relayLog });
    t.after(async () => {
      await kubelet.remove(name);
      await closeSocket();
      await delivery.close();
      await spool.close();
    });
    for (const id of ids) {
      await spool.put(aMessage({ id }), { head: Buffer.alloc(0), body: { kind: 'memory', bytes: CONTENT } });
    }
    await kubelet.pod(name, { state, ...(log !== undefined && { log }) });
    return { lines, spool };
  }

  test('are one queue, and each message is changed in its own', async (t) => {
    const first = await startPod(t, 'relay-0', { ids: ['AAA1'] });
    const second = await startPod(t, 'relay-1', { ids: ['BBB1', 'BBB2'] });
    const { messages, silent } = await jsonOf<Listed>(['queue', 'list', ...at]);
    assert.deepEqual(
      messages.map(({ id, pod }) => `${id} ${pod}`),
      ['AAA1 relay-0', 'BBB1 relay-1', 'BBB2 relay-1'],
    );
    assert.deepEqual(silent, []);
    const held = await runCommand(['queue', 'hold', 'BBB1', 'AAA1', ...at]);
    assert.deepEqual([held.code, held.stdout, held.stderr], [0, '2 messages held\n', '']);
    for (const { lines } of [first, second]) {
      assert.match(lines.join(''), /"event":"queue","action":"hold","by":"admin"/, 'as the API server knows them');
    }
    const dropped = await runCommand(['queue', 'drop', 'BBB2', 'NONE', '--yes', ...at]);
    assert.deepEqual([dropped.code, dropped.stdout], [1, '1 message dropped\n']);
    assert.match(dropped.stderr, /^error: no message NONE waits/);
    assert.deepEqual(
      Array.from(second.spool.entries(), ({ id }) => id),
      ['BBB1'],
    );
    const to = await folderOf(t);
    const exported = await runCommand(['queue', 'export', 'AAA1', '--to', to, ...at]);
    assert.equal(exported.code, 0, exported.stderr);
    assert.deepEqual(await readFile(join(to, 'AAA1.eml')), CONTENT);
    assert.deepEqual(kubelet.commands[0]?.slice(0, 4), ['/usr/bin/node', '/app/dist/cli.js', 'queue', 'ask']);
  });

  test('are said to be missing where a pod does not run', async (t) => {
    await startPod(t, 'relay-0', { ids: ['AAA1'] });
    await startPod(t, 'relay-1', { ids: ['BBB1'] });
    await admin.patch('Pod', `${OPERATOR_NAMESPACE}/relay-1`, { status: { phase: 'Pending' } }, 'status');
    const { code, stdout, stderr } = await runCommand(['queue', 'list', ...at]);
    assert.equal(code, 1);
    assert.match(stdout, /^AAA1 /m);
    assert.match(stderr, /^warning: pod relay-1 is not running; its queue is not in this answer$/m);
  });

  test('are not looked for in a pod of a class without a spool', async (t) => {
    await startPod(t, 'relay-0', { ids: ['AAA1'] });
    await startPod(t, 'relay-alerts-5d8f-x2k9p', { ids: ['BBB1'] });
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'relay-alerts-5d8f', uid: 'of-the-test' };
    await admin.patch('Pod', `${OPERATOR_NAMESPACE}/relay-alerts-5d8f-x2k9p`, {
      metadata: { ownerReferences: [owner] },
    });
    const before = kubelet.commands.length;
    const { messages, silent } = await jsonOf<Listed>(['queue', 'list', ...at]);
    assert.deepEqual([messages.map(({ id }) => id), silent, kubelet.commands.length - before], [['AAA1'], [], 1]);
  });

  test('are closed to those who may only look at pods', async (t) => {
    await startPod(t, 'relay-0', { ids: ['AAA1'] });
    const kubeconfig = await cluster().serviceAccount(OPERATOR_NAMESPACE, 'looker');
    const subject = `--serviceaccount=${OPERATOR_NAMESPACE}:looker`;
    const inNamespace = ['-n', OPERATOR_NAMESPACE];
    await cluster().kubectl(['create', 'role', 'looker', ...inNamespace, '--verb=get,list', '--resource=pods']);
    await cluster().kubectl(['create', 'rolebinding', 'looker', ...inNamespace, '--role=looker', subject]);
    const as = ['--kubeconfig', kubeconfig];
    const { code, stdout, stderr } = await runCommand(['queue', 'drop', '--all', '--yes', ...as]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(
      stderr,
      /^error: pod relay-0: you may not run commands in it: .*that takes get and create on pods\/exec/,
    );
    assert.equal((await jsonOf<Listed>(['queue', 'list', ...at])).messages.length, 1);
  });

  test('and logs of all pods say what became of a message', async (t) => {
    const line = (fields: object) => JSON.stringify({ level: 'info', time: '2026-01-01T00:00:00.000Z', ...fields });
    const id = '01M8G7DN49HC8RGJ7N';
    await startPod(t, 'relay-0', {
      ids: [id],
      log: [line({ id, to: ['ann@x.example'], messageId: 'One@x.example', msg: 'message' })],
    });
    await startPod(t, 'relay-1', { ids: [], log: [line({ id: 'OTHER', to: ['joann@x.example'], msg: 'message' })] });
    for (const what of [id, 'ann@x.example', '<one@x.example>']) {
      const { code, stdout, stderr } = await runCommand(['why', what, ...at]);
      assert.equal(code, 0, stderr);
      assert.match(
        stdout,
        new RegExp(`^${id}: in the queue, ready\n {2}2026-01-01T00:00:00\\.000Z info \\[relay-0\\] message `),
        what,
      );
      assert.doesNotMatch(stdout, /OTHER/);
    }
    const none = await runCommand(['why', 'nobody@x.example', ...at]);
    assert.deepEqual([none.code, /nor in relay-0, relay-1; an older log may have it/.test(none.stderr)], [1, true]);
  });
});
