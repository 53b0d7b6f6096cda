/**
 * Verified senders at scale, against a real API server and a name server on loopback: the first look-ups, then silence, then what
 * is due a day later. `npm run bench:senders` (VERIFIED=10000 PENDING=1000 NAMESPACES=500). The clock of the operator is moved, so
 * that nobody has to wait for the day.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../../operator/kubernetes/client/client.ts';
import { readInstallation } from '../../operator/kubernetes/installation-secret.ts';
import { createAdmin, namespace, sender, user } from '../operator/support/admin.ts';
import { adminCredentials } from '../operator/support/credentials.ts';
import { install, OPERATOR_NAMESPACE } from '../operator/support/operator.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { answerWith, answerWithTxt, nameIn, startDnsServer } from '../support/dns-server.ts';
import { isEqual } from '../../operator/core/equal.ts';
import { createAll } from './create-all.ts';
import { forkOperator } from './forked-operator.ts';

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const size = {
  verified: number('VERIFIED', 10_000),
  pending: number('PENDING', 1000),
  namespaces: number('NAMESPACES', 500),
};
const QUIET_SECONDS = number('QUIET_SECONDS', 60);
const HOUR = 3_600_000;
/** Look-ups of a record that is missing after which the next one is an hour later. */
const ROUNDS = 9;
/** Longer than re-checks are apart, however they are scattered. */
const A_DAY = 27 * HOUR;
const SETTLED_MS = 2000;

const cluster = await startControlPlane();
const kubeconfig = await install(cluster);
const admin = createAdmin(cluster, OPERATOR_NAMESPACE);
const { issuer } = await readInstallation(createClient(adminCredentials(cluster)), OPERATOR_NAMESPACE, []);
console.log(`${size.verified} verified and ${size.pending} pending domains in ${size.namespaces} namespaces`);

const place = (i: number): string => `ns-${i % size.namespaces}`;
const domains = Array.from({ length: size.verified + size.pending }, (_, i) => ({
  key: `${place(i)}/sender-${i}`,
  domain: `d${i}.example`,
}));
const records = new Map(
  domains.slice(0, size.verified).flatMap(({ key, domain }) => [
    [
      `_smtpplus-challenge.${domain}`,
      `smtpplus-verification=${issuer.challengeToken(key.split('/')[0] ?? '', domain)}`,
    ],
    [`_dmarc.${domain}`, 'v=DMARC1; p=reject'],
  ]),
);
/** Questions to the name server since the last measurement began. */
let asked = { count: 0, first: 0, last: 0 };
let isStarted = false;
const ends: (() => unknown)[] = [];
const dns = await startDnsServer({ after: (end) => void ends.push(end as () => unknown) }, (question) => {
  const time = performance.now();
  asked = { count: asked.count + 1, first: asked.count === 0 ? time : asked.first, last: time };
  const value = records.get(nameIn(question));
  return value === undefined ? answerWith(question, 3) : answerWithTxt(question, value);
});

await createAll(
  admin,
  Array.from({ length: size.namespaces }, (_, i) => namespace(`ns-${i}`)),
);
await createAll(admin, [
  ...domains.map(({ key, domain }) => sender(key, { domain })),
  ...Array.from({ length: size.namespaces }, (_, i) => user(`ns-${i}/app`)),
]);

const operator = await forkOperator();
await measure('first look-ups', () =>
  operator.start({ cluster, kubeconfig, settings: { verification: { dnsServers: [dns.address] } } }),
);
for (let round = 1; round < ROUNDS; round++) await later(HOUR);
await measure('an hour later', () => later(HOUR));
await measure(`${QUIET_SECONDS} s of silence`, () => sleep(QUIET_SECONDS * 1000));
await measure('a day later', () => later(A_DAY));
await measure(`${QUIET_SECONDS} s of silence`, () => sleep(QUIET_SECONDS * 1000));

await operator.close();
admin.client.close();
for (const end of ends) await end();
await cluster.stop();

/** Timers know nothing of a clock that is moved: whoever touches a sender has the others looked at, too. */
async function later(ms: number): Promise<void> {
  await operator.pass(ms);
  const [first] = domains;
  const annotations = { 'smtpplus.io/check-now': String(performance.now()) };
  await admin.patch('VerifiedSender', first?.key ?? '', { metadata: { annotations } });
  await settled();
}

/** Until nothing is due, under way, or to be written any more. */
async function settled(): Promise<void> {
  while (true) {
    await operator.idle();
    const before = [dns.questions(), (await operator.report()).changes];
    await sleep(SETTLED_MS);
    if (isEqual(before, [dns.questions(), (await operator.report()).changes])) return;
  }
}

async function measure(what: string, act: () => Promise<unknown>): Promise<void> {
  const before = isStarted ? await operator.report() : undefined;
  asked = { count: 0, first: 0, last: 0 };
  await act();
  isStarted = true;
  await settled();
  const { count, first, last } = asked;
  const after = await operator.report();
  const seconds = (last - first) / 1000;
  const rate = count === 0 ? '' : ` in ${seconds.toFixed(1)} s (${Math.round(count / seconds)} a second)`;
  const writes = after.changes - (before?.changes ?? 0);
  const cpu = (after.cpuSeconds - (before?.cpuSeconds ?? 0)).toFixed(1);
  const memory = `operator ${after.rssMb} MB (heap ${after.heapMb} MB)`;
  console.log(`${what}: ${count} questions${rate}, ${writes} writes, ${cpu} s CPU; ${memory}`);
}
