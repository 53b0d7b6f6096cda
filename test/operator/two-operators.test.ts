/** Two operator processes on one cluster: the API server's own record says who wrote when. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithControlPlane } from '../support/control-plane.ts';
import { until } from '../support/eventually.ts';
import { createAdmin, namespace, user } from './support/admin.ts';
import { install, OPERATOR_NAMESPACE } from './support/operator.ts';
import { startOperatorProcess } from './support/process.ts';

const CHANGE_EVERY_MS = 100;
const READS = new Set(['get', 'list', 'watch']);

/** A line of the API server's audit log (audit.k8s.io/v1). */
interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly resource: string };
  readonly user: { readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** What the processes have written, in the order of arrival, each with the token that it came with. */
function writesIn(auditLog: string) {
  const lines = readFileSync(auditLog, 'utf8').trim().split('\n');
  return lines
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ verb, objectRef }) => !READS.has(verb) && objectRef?.resource !== 'leases')
    .map(({ user: { extra }, requestReceivedTimestamp: received, stageTimestamp: answered }) => {
      return { token: extra?.['authentication.kubernetes.io/credential-id']?.[0] ?? '', received, answered };
    })
    .sort((a, b) => (a.received < b.received ? -1 : 1));
}

describeWithControlPlane('of two operator processes', (cluster) => {
  before(async () => {
    await install(cluster());
  });

  /** A process with a token of its own, by which the audit log tells it from the others. */
  async function start(t: TestContext, name: string) {
    const kubeconfig = await cluster().serviceAccount(OPERATOR_NAMESPACE, 'smtp-plus-operator');
    const own = path.join(cluster().folder, `${name}.kubeconfig`);
    copyFileSync(kubeconfig, own);
    return startOperatorProcess(t, own);
  }

  /** Gives the operators something to write, all the time. */
  async function changeConstantly(t: TestContext): Promise<() => number> {
    const admin = createAdmin(cluster(), OPERATOR_NAMESPACE);
    await admin.apply(namespace('busy'));
    const over = new AbortController();
    let made = 0;
    const changing = (async () => {
      while (!over.signal.aborted) {
        await admin.apply(user(`busy/u-${made}`));
        made += 1;
        await sleep(CHANGE_EVERY_MS);
      }
    })();
    t.after(async () => {
      over.abort();
      await changing;
      admin.client.close();
    });
    return () => made;
  }

  test('never both write, though the lease goes from one to the next, and from one that was stopped', async (t) => {
    const made = await changeConstantly(t);
    const writers = () => new Set(writesIn(cluster().auditLog).map(({ token }) => token)).size;
    const first = await start(t, 'first');
    await until(() => writers() === 1, { what: 'the first writes' });
    const second = await start(t, 'second');
    await second.says('the operator has started');
    await sleep(1000);
    assert.equal(writers(), 1);
    first.child.kill('SIGSTOP');
    await until(() => writers() === 2, { what: 'the second writes' });
    first.child.kill('SIGCONT');
    assert.equal(await first.exit, 1);
    const third = await start(t, 'third');
    await third.says('the operator has started');
    second.child.kill('SIGTERM');
    assert.equal(await second.exit, 0);
    const before = made();
    await until(() => writers() === 3 && made() > before + 10, { what: 'the third writes' });
    third.child.kill('SIGTERM');
    assert.equal(await third.exit, 0);

    const writes = writesIn(cluster().auditLog);
    const changes = writes.filter(({ token }, index) => index > 0 && token !== writes[index - 1]?.token);
    assert.equal(changes.length, 2, 'each has written at a stretch');
    for (const { token, received } of changes) {
      const late = writes.filter(
        (write) => write.token !== token && write.received < received && write.answered > received,
      );
      assert.deepEqual(late, [], 'everything of the one is answered before the other begins');
    }
  });
});
