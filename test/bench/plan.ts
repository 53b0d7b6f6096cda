/**
 * The plan of very many users, without an API server: how long, how much memory, and how long it keeps the event loop from
 * everything else (the lease, probes, watches). `npm run bench:plan` (USERS=100000 NAMESPACES=5000).
 */
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Issuer, RawObject, Snapshot } from '../../operator/core/model.ts';
import { inParts, sourcesOf } from '../../operator/core/plan.ts';
import { digestOf } from '../../operator/kubernetes/cache/known-status.ts';
import { createPlanning } from '../../operator/kubernetes/planning.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { sha256Verifier } from '../../relay/password-hash.ts';
import { aClassView } from '../support/class-view.ts';

const USERS = Number(process.env['USERS'] ?? 100_000);
const NAMESPACES = Number(process.env['NAMESPACES'] ?? 5000);
const NONE = {};

const { classes } = settingsSchema.parse({});
const views = new Map(Object.entries(classes).map(([name, settings]) => [name, aClassView(settings)]));
const object = (kind: RawObject['kind'], i: number, spec: unknown): RawObject => {
  const [namespace, name] = [`ns-${i % NAMESPACES}`, `${kind.toLowerCase()}-${i}`];
  const meta = { namespace, name, uid: `${kind}-${i}`, generation: 1, labels: NONE, annotations: NONE };
  return { kind, meta, spec };
};
const snapshot: Snapshot = {
  classes: views,
  namespaces: new Map(Array.from({ length: NAMESPACES }, (_, i) => [`ns-${i}`, NONE])),
  objects: [
    ...Array.from({ length: USERS }, (_, i) => object('SmtpPlusUser', i, { active: true })),
    ...Array.from({ length: NAMESPACES }, (_, i) => object('VerifiedSender', i, { domain: `d${i}.example` })),
    ...Array.from({ length: NAMESPACES }, (_, i) => object('SmtpPlusList', i, NONE)),
  ],
  secrets: new Map(),
  evidence: new Map(),
  mail: new Map(),
  programmed: new Map(),
};
const salt = randomBytes(16);
globalThis.gc?.();
const before = process.memoryUsage();
const delay = monitorEventLoopDelay({ resolution: 1 });

const done = Promise.withResolvers<number>();
const planning = createPlanning({
  onFault: ({ error }) => console.error(error),
  onFarewell: () => undefined,
  onPass: () => undefined,
  onTrouble: (message) => console.error(message),
  now: () => new Date(),
});
const issuer: Issuer = {
  newPassword: () => {
    const password = randomBytes(24).toString('base64url');
    return { password, verifier: sha256Verifier(password, salt) };
  },
  verifierOf: () => undefined,
  fits: () => false,
  isFor: () => false,
  seal: () => 'seal',
  challengeToken: () => 'token',
  operatorVerifier: () => 'verifier',
  codeHash: () => 'hash',
};
delay.enable();
const began = performance.now();
const started = planning.start({
  sources: sourcesOf(snapshot),
  issuer,
  readFacts: async () => snapshot,
  onTurn: () => undefined,
  // as the operator does with each: compared with what is there
  onAll: function* (results) {
    for (const part of inParts(results)) {
      for (const plan of part.users.values()) digestOf(plan?.status);
      yield;
    }
    done.resolve(results.users.size);
  },
});
const planned = await done.promise;
const tookMs = performance.now() - began;
await started;
delay.disable();
const after = process.memoryUsage();
await planning.close();

const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
console.log(
  `${planned} users in ${NAMESPACES} namespaces planned in ${(tookMs / 1000).toFixed(1)} s; the event loop was held for ${Math.round(delay.max / 1e6)} ms at the most; ${mb(before.rss)} before, ${mb(after.rss)} after (heap ${mb(before.heapUsed)}, ${mb(after.heapUsed)})`,
);
