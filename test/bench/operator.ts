/**
 * The operator at scale, against a real API server: first full reconcile, then one change at a time, then silence.
 * `npm run bench:operator` (users, lists, senders and namespaces can be set: USERS=10000 LISTS=1000 SENDERS=1000 NAMESPACES=500).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startReflector } from '../../operator/kubernetes/client/reflector.ts';
import { SECRETS } from '../../operator/kubernetes/client/resources.ts';
import { CONFIG_LABEL } from '../../operator/kubernetes/cache/secret-cache.ts';
import type { SecretObject } from '../../operator/kubernetes/cache/views.ts';
import type { ShardDocument } from '../../relay/config/config.ts';
import { createAdmin, list, namespace, sender, user, type Admin } from '../operator/support/admin.ts';
import { install, OPERATOR_NAMESPACE } from '../operator/support/operator.ts';
import { startRelayPod } from '../operator/support/relay-pod.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { createAll } from './create-all.ts';
import { forkOperator, type Report } from './forked-operator.ts';

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const size = {
  users: number('USERS', 10_000),
  lists: number('LISTS', 1000),
  senders: number('SENDERS', 1000),
  namespaces: number('NAMESPACES', 500),
};
const CHANGES = number('CHANGES', 200);
const QUIET_MS = 5000;
const USE_SECONDS = number('USE_SECONDS', 60);

const cluster = await startControlPlane();
const kubeconfig = await install(cluster);
const admin = createAdmin(cluster, OPERATOR_NAMESPACE);
console.log(`${size.users} users, ${size.lists} lists, ${size.senders} senders in ${size.namespaces} namespaces`);

await createAll(
  admin,
  Array.from({ length: size.namespaces }, (_, i) => namespace(`ns-${i}`)),
);
const place = (i: number): string => `ns-${i % size.namespaces}`;
await createAll(admin, [
  ...Array.from({ length: size.lists }, (_, i) => list(`${place(i)}/list-${i}`)),
  ...Array.from({ length: size.senders }, (_, i) => sender(`${place(i)}/sender-${i}`, { domain: `d${i}.example` })),
  ...Array.from({ length: size.users }, (_, i) =>
    user(`${place(i)}/user-${i}`, { listRef: { name: `list-${i % size.lists}` } }),
  ),
]);

const settings = {
  classes: {
    default: {
      existingSenders: Array.from({ length: size.senders }, (_, i) => ({ [place(i)]: `d${i}.example` })),
    },
  },
};
const operator = await forkOperator();
const { report } = operator;

const began = performance.now();
await operator.start({ cluster, kubeconfig, settings });
await operator.idle();
const first = await report();
print('first full reconcile', `${seconds(performance.now() - began)} s`, first);

let onDocument: (document: Pick<ShardDocument, 'users'>) => void = () => undefined;
const following = new AbortController();
followDocuments(admin, following.signal);
const times: number[] = [];
for (let i = 0; i < CHANGES; i++) {
  const key = Math.floor((i * 7919) % size.users);
  times.push(await timeOfChange(admin, `${place(key)}/user-${key}`, 1000 + i));
}
times.sort((a, b) => a - b);
const at = (share: number): string => `${Math.round(times[Math.floor(times.length * share)] ?? 0)} ms`;
print('one change until its document is written', `p50 ${at(0.5)}, p99 ${at(0.99)}`, await report());

await operator.idle();
const before = await report();
await sleep(QUIET_MS);
const after = await report();
print(`${QUIET_MS / 1000} s of silence`, `${total(after) - total(before)} writes`, after);

const pod = await startRelayPod(admin, 'relay-0');
let accepted = 0;
pod.count(() => {
  accepted += accepted === 0 ? 0 : 1;
  const users = Array.from({ length: accepted === 0 ? 0 : size.users }, (_, i) => `${place(i)}/user-${i}`);
  return {
    since: new Date().toISOString(),
    lists: {},
    users: Object.fromEntries(users.map((key) => [key, { accepted }])),
  };
});
// of every object it is said that this relay does not run it yet
while (true) {
  const earlier = total(await report());
  await sleep(QUIET_MS);
  if (total(await report()) === earlier) break;
}
const quiet = await writesIn(USE_SECONDS);
print(`${USE_SECONDS} s in which nobody uses anything`, `${sum(quiet)} writes`, await report());
accepted = 1;
const busy = await writesIn(USE_SECONDS);
print(
  `${USE_SECONDS} s in which everybody sends`,
  `${sum(busy)} writes, ${Math.max(...busy)} in the second with most`,
  await report(),
);
await pod.close();

following.abort();
await operator.close();
admin.client.close();
await cluster.stop();

/** From the start of the request that changes the user to the watch event of the relay's document with that change. */
async function timeOfChange(admin: Admin, key: string, limit: number): Promise<number> {
  const start = performance.now();
  const username = key.split('/').toReversed().join('.');
  const written = new Promise<void>((resolve) => {
    onDocument = ({ users }) => users[username]?.limits.messagesPerHour === limit && resolve();
  });
  await admin.patch('SmtpPlusUser', key, { spec: { limits: { messagesPerHour: limit } } });
  await written;
  return performance.now() - start;
}

function followDocuments(admin: Admin, signal: AbortSignal): void {
  startReflector(admin.client, {
    resource: SECRETS,
    namespace: OPERATOR_NAMESPACE,
    labelSelector: CONFIG_LABEL,
    keep: (object) => {
      const [text = ''] = Object.values((object as SecretObject).data ?? {});
      const document = JSON.parse(Buffer.from(text, 'base64').toString()) as Partial<ShardDocument>;
      if (document.users !== undefined) onDocument({ users: document.users });
    },
    onChange: () => undefined,
    onTrouble: (message) => console.error(message),
    signal,
  });
}

function total({ writes }: Report): number {
  return Object.values(writes).reduce((sum, count) => sum + count, 0);
}

/** By second. */
async function writesIn(seconds: number): Promise<readonly number[]> {
  const counts: number[] = [];
  let earlier = total(await report());
  for (let i = 0; i < seconds; i++) {
    await sleep(1000);
    const now = total(await report());
    counts.push(now - earlier);
    earlier = now;
  }
  return counts;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}

function print(
  what: string,
  result: string,
  { rssMb, heapMb, requests, writes, planSeconds, cpuSeconds }: Report,
): void {
  const counts = Object.entries(writes).map(([kind, count]) => `${count} ${kind}`);
  const cost = `operator ${rssMb} MB (heap ${heapMb} MB), ${cpuSeconds.toFixed(1)} s CPU, of it ${planSeconds.toFixed(1)} s planning`;
  console.log(`${what}: ${result}; so far ${requests} requests, written ${counts.join(', ')}; ${cost}`);
}
