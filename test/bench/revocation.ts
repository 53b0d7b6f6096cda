/**
 * How long `active: false` takes to be in force while another namespace makes users as fast as the API server lets it, against
 * a real API server; and the same in quiet, in the same run. `npm run bench:revocation` (NOISY_USERS=5000).
 *
 * In force: in the document that the relay pods read; said: the status of the user has it, and that every relay pod runs it.
 * The time a kubelet takes to bring a Secret to its pod comes on top of both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG_LABEL } from '../../operator/kubernetes/cache/secret-cache.ts';
import type { SecretObject } from '../../operator/kubernetes/cache/views.ts';
import { startReflector } from '../../operator/kubernetes/client/reflector.ts';
import { SECRETS, USERS } from '../../operator/kubernetes/client/resources.ts';
import { hashOf } from '../../operator/kubernetes/write/configuration.ts';
import type { ShardDocument } from '../../relay/config/config.ts';
import { createAdmin, namespace, sender, user, type LiveObject } from '../operator/support/admin.ts';
import { install, OPERATOR_NAMESPACE } from '../operator/support/operator.ts';
import { startRelayPod } from '../operator/support/relay-pod.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { createAll } from './create-all.ts';
import { forkOperator } from './forked-operator.ts';

const NOISY_USERS = Number(process.env['NOISY_USERS'] ?? 5000);
const QUIET_REVOCATIONS = Number(process.env['REVOCATIONS'] ?? 60);
const TENANTS = 5;
const USERS_OF_TENANT = 20;
const PAUSE_MS = 100;

interface Times {
  readonly inForce: number[];
  readonly said: number[];
}

/** Resolvers by what is waited for: `document NAMESPACE/NAME`, `status NAMESPACE/NAME GENERATION`, `all in force`. */
const waiting = new Map<string, () => void>();
/** Users of the noisy namespace that are not said to be in force yet. */
const unfinished = new Set<string>();
/** What the relay pods run: hashes by file name. */
const running: Record<string, string> = {};

const cluster = await startControlPlane();
const kubeconfig = await install(cluster);
const admin = createAdmin(cluster, OPERATOR_NAMESPACE);
const following = new AbortController();
const operator = await forkOperator();
const pods = await Promise.all(['relay-0', 'relay-1'].map((name) => startRelayPod(admin, name)));
for (const pod of pods) pod.follow(() => running);
follow();

const tenants = Array.from({ length: TENANTS }, (_, i) => `tenant-${i}`);
const victims = tenants.flatMap((name) => Array.from({ length: USERS_OF_TENANT }, (_, i) => `${name}/user-${i}`));
await admin.apply(
  ...[...tenants, 'noisy'].flatMap((name) => [namespace(name), sender(`${name}/own`, { domain: `${name}.example` })]),
  ...victims.map((key) => user(key)),
);
const existingSenders = [...tenants, 'noisy'].map((name) => ({ [name]: `${name}.example` }));
await operator.start({ cluster, kubeconfig, settings: { classes: { default: { existingSenders } } } });
for (const key of victims) await admin.waitFor('SmtpPlusUser', key, 'Programmed', 'True Programmed');

const quiet: Times = { inForce: [], said: [] };
for (let i = 0; i < QUIET_REVOCATIONS; i++) await revoke(i, quiet);
print('quiet', quiet);

const noisy: Times = { inForce: [], said: [] };
const began = performance.now();
const making = new AbortController();
const made = makeUsers().finally(() => making.abort());
for (let i = 0; !making.signal.aborted; i++) await revoke(i, noisy);
await made;
const madeSeconds = (performance.now() - began) / 1000;
print(`while namespace noisy makes ${NOISY_USERS} users in ${madeSeconds.toFixed(0)} s`, noisy);

await operator.close();
following.abort();
for (const pod of pods) await pod.close();
admin.client.close();
await cluster.stop();

/** Makes one user of a tenant inactive and measures, then makes it active again. */
async function revoke(turn: number, times: Times): Promise<void> {
  const key = victims[(turn * 7) % victims.length] ?? '';
  const generation = ((await admin.get('SmtpPlusUser', key))?.metadata.generation ?? 0) + 1;
  const start = performance.now();
  const inForce = happens(`document ${key}`);
  const said = happens(`status ${key} ${generation}`);
  await admin.patch('SmtpPlusUser', key, { spec: { active: false } });
  times.inForce.push((await inForce) - start);
  times.said.push((await said) - start);
  await admin.patch('SmtpPlusUser', key, { spec: { active: true } });
  await admin.waitFor('SmtpPlusUser', key, 'Active', 'True Active');
  await sleep(PAUSE_MS);
}

function happens(what: string): Promise<number> {
  return new Promise((resolve) => waiting.set(what, () => resolve(performance.now())));
}

/** All users of the noisy namespace; resolves once each is said to be in force. */
async function makeUsers(): Promise<void> {
  for (let i = 0; i < NOISY_USERS; i++) unfinished.add(`noisy/user-${i}`);
  const finished = happens('all in force');
  await createAll(
    admin,
    Array.from(unfinished, (key) => user(key)),
  );
  console.log(`made in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  await finished;
}

/** Reads what relays read, and what people read. */
function follow(): void {
  const shared = { onChange: () => undefined, onTrouble: console.error, signal: following.signal };
  startReflector(admin.client, {
    ...shared,
    resource: SECRETS,
    namespace: OPERATOR_NAMESPACE,
    labelSelector: CONFIG_LABEL,
    keep: (object) => {
      for (const [fileName, data] of Object.entries((object as SecretObject).data ?? {})) {
        const text = Buffer.from(data, 'base64').toString();
        running[fileName] = hashOf(text);
        const { users = {} } = JSON.parse(text) as Partial<ShardDocument>;
        for (const one of Object.values(users)) if (!one.active) waiting.get(`document ${one.object}`)?.();
      }
    },
  });
  startReflector(admin.client, {
    ...shared,
    resource: USERS,
    keep: (object) => {
      const { metadata, status } = object as LiveObject;
      const holds = (type: string, wanted: string): boolean =>
        status?.conditions?.some(
          (one) => one.type === type && one.status === wanted && one.observedGeneration === metadata.generation,
        ) === true;
      const key = `${metadata.namespace}/${metadata.name}`;
      if (!holds('Programmed', 'True')) return;
      if (holds('Active', 'False')) waiting.get(`status ${key} ${metadata.generation}`)?.();
      if (unfinished.delete(key) && unfinished.size === 0) waiting.get('all in force')?.();
    },
  });
}

function print(when: string, { inForce, said }: Times): void {
  const at = (times: readonly number[], share: number): string => {
    const sorted = times.toSorted((a, b) => a - b);
    return `${Math.round(sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0)} ms`;
  };
  const line = (times: readonly number[]): string =>
    `p50 ${at(times, 0.5)}, p99 ${at(times, 0.99)}, most ${at(times, 1)}`;
  console.log(`${when}: ${inForce.length} revocations; in force after ${line(inForce)}; said after ${line(said)}`);
}
