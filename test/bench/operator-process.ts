/** The operator of the benchmark, alone in its process so that its memory and CPU can be told. */
import { readFileSync } from 'node:fs';
import { createClient } from '../../operator/kubernetes/client/client.ts';
import { configSecretPrefix, readClasses } from '../../operator/kubernetes/classes.ts';
import { readInstallation } from '../../operator/kubernetes/installation-secret.ts';
import { createOperatorMetrics } from '../../operator/kubernetes/metrics.ts';
import { pageTokensOf } from '../../operator/kubernetes/page-tokens.ts';
import { startController } from '../../operator/kubernetes/controller.ts';
import type { Controller } from '../../operator/kubernetes/controller-types.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { dnsVerificationOf, resolversOf } from '../../operator/settings/verification.ts';

type Question =
  | {
      kind: 'start';
      cluster: { url: string; caFile: string };
      kubeconfig: string;
      settings: unknown;
      /** How often relays are asked what they have counted, and how long a status stays as it is. */
      usageMs?: number;
    }
  | { kind: 'idle' }
  | { kind: 'pass'; ms: number }
  | { kind: 'report' };

const NAMESPACE = 'smtp-plus';
/** More often than it is, so that what is told of use is always old. */
const USAGE_MS = 5000;
const metrics = createOperatorMetrics();
let requests = 0;
/** Those that would change something. */
let changes = 0;
/** How far the clock of the operator is ahead; milliseconds. */
let ahead = 0;
let operator: Controller | undefined;

process.on('message', (question: Question) => {
  answer(question).then(
    (value) => process.send?.(value ?? {}),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

async function answer(question: Question): Promise<unknown> {
  switch (question.kind) {
    case 'start':
      return start(question);
    case 'idle':
      return operator?.idle();
    case 'pass':
      ahead += question.ms;
      return undefined;
    case 'report':
      return report();
  }
}

async function start({
  cluster,
  kubeconfig,
  settings: given,
  usageMs = USAGE_MS,
}: Extract<Question, { kind: 'start' }>): Promise<void> {
  const settings = settingsSchema.parse(given);
  // nothing leaves this machine unless a benchmark says whom to ask
  const isLookedUp = settings.verification.dnsServers.length > 0;
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { users: { user: { token: string } }[] };
  const headers = { authorization: `Bearer ${config.users[0]?.user.token}` };
  const tls = { ca: readFileSync(cluster.caFile, 'utf8') };
  const client = createClient(async () => ({ server: new URL(cluster.url), headers, tls }), {
    onRequest: ({ method }) => {
      requests++;
      if (method !== 'GET') changes++;
    },
  });
  const installation = await readInstallation(client, NAMESPACE, []);
  operator = startController({
    client,
    namespace: NAMESPACE,
    identity: 'bench',
    installation,
    pageTokens: pageTokensOf(settings, installation),
    watchNamespaces: [],
    // there are no relays here, which is not to be said of each object in the middle of a measurement
    unservedMs: 3_600_000,
    usageMs: { ask: usageMs, hold: usageMs },
    otherInstallations: { classes: [], speaksForAll: true },
    namespaceLimits: settings.namespaceLimits,
    ...(isLookedUp && {
      verification: { ...dnsVerificationOf(settings.verification), resolvers: resolversOf(settings.verification) },
    }),
    now: () => new Date(Date.now() + ahead),
    readClasses: () => readClasses(settings, installation),
    configPrefixOf: (className) => configSecretPrefix(settings, className),
    metrics,
    onTrouble: (message) => console.error(message),
  });
  await operator.lead();
}

async function report(): Promise<object> {
  globalThis.gc?.();
  const writes = await metrics.writes.get();
  const plan = await metrics.planSeconds.get();
  const { user, system } = process.cpuUsage();
  return {
    heapMb: Math.round(process.memoryUsage().heapUsed / 1e6),
    rssMb: Math.round(process.memoryUsage.rss() / 1e6),
    requests,
    changes,
    writes: Object.fromEntries(writes.values.map(({ labels, value }) => [labels['what'], value])),
    planSeconds: plan.values
      .filter(({ metricName }) => metricName?.endsWith('_sum'))
      .reduce((sum, { value }) => sum + value, 0),
    cpuSeconds: (user + system) / 1e6,
  };
}
