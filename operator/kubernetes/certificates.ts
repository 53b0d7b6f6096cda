/**
 * The certificates of the relays, class by class: kept in step with the settings, with the Secrets that others write,
 * and with what users and relays have by now. A decision is written down before anything is done by it.
 */
import type { ClassView, PlannedEvent } from '../core/model.ts';
import { expiryOf, look, publishedOf, recoveredState } from '../certificates/look.ts';
import type { Trouble } from '../certificates/pair.ts';
import { bundleOf, isSamePair, type State } from '../certificates/turn-over.ts';
import { isEqual } from '../core/equal.ts';
import { messageOf } from '../errors.ts';
import { decodeValues } from '../manifests/secrets.ts';
import type { ClassSettings } from '../settings/settings.ts';
import type { SecretObject } from './cache/views.ts';
import type { KubeClient } from './client/client.ts';
import type { EventAbout } from './client/events.ts';
import { createWorkQueue, type WorkQueueOptions } from './client/queue.ts';
import { startReflector, type Reflector } from './client/reflector.ts';
import { SECRETS } from './client/resources.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { IsTold } from './told-users.ts';
import { startCertificateSecrets } from './write/certificate-secrets.ts';

export interface RelayCertificates {
  readonly synced: Promise<unknown>;
  readonly hasSynced: () => boolean;
  /** The first look at each class. To be called once, by the leader, before anything is planned. */
  readonly load: () => Promise<void>;
  /** The classes, with what their users verify relays by. */
  readonly inClasses: (classes: ReadonlyMap<string, ClassView>) => ReadonlyMap<string, ClassView>;
  readonly close: () => Promise<void>;
}

export interface CertificatesOptions {
  readonly classes: Readonly<Record<string, Pick<ClassSettings, 'hostname' | 'tls'>>>;
  /** PEM of the authorities that every system knows. Default: Node's. */
  readonly roots?: readonly string[];
  readonly now?: () => Date;
  /** How often each class is looked at, whatever happens; milliseconds. */
  readonly lookMs?: number;
}

interface Surroundings {
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly prefixOf: (className: string) => string;
  readonly isTold: IsTold;
  /** Fingerprints of what the relays of a class use; undefined where not all of them say. */
  readonly running: (className: string) => readonly string[] | undefined;
  /** What users are to verify relays by has changed. */
  readonly onBundle: () => void;
  readonly record: (event: EventAbout) => void;
  readonly metrics: Pick<OperatorMetrics, 'certificateExpiry' | 'certificateTroubles'>;
  readonly onDone: NonNullable<WorkQueueOptions['onDone']>;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

const LOOK_MS = 10_000;
const SETTLE_MS = 50;
/** The API server forgets Events after an hour. */
const TELL_AGAIN_MS = 3_000_000;
const KEY_PREFIX = 'certificate/';

interface Told {
  readonly troubles: readonly Trouble[];
  readonly at: number;
}

const NOTHING_TOLD: Told = { troubles: [], at: 0 };

export function startCertificates(
  client: KubeClient,
  { classes, roots, now = () => new Date(), lookMs = LOOK_MS, ...options }: CertificatesOptions & Surroundings,
): RelayCertificates {
  const { namespace, metrics, onTrouble, signal } = options;
  // by the settings before, there may have been classes that are no more
  metrics.certificateExpiry.reset();
  metrics.certificateTroubles.reset();
  const states = new Map<string, State>();
  const troublesTold = new Map<string, Told>();
  const queue = createWorkQueue({ workers: 1, work: visit, onDone: options.onDone });
  let hasLoaded = false;
  const visitSoon = (className: string): void => {
    if (hasLoaded) queue.addAfter(`${KEY_PREFIX}${className}`, SETTLE_MS);
  };
  const secrets = startCertificateSecrets(client, {
    ...options,
    onChange: () => Object.keys(classes).forEach(visitSoon),
  });
  const sources = new Map<string, Reflector<Readonly<Record<string, string>>>>();
  for (const [className, { tls }] of Object.entries(classes)) {
    if (tls.secretName === undefined) continue;
    const source = startReflector(client, {
      resource: SECRETS,
      namespace,
      fieldSelector: `metadata.name=${tls.secretName}`,
      keep: (object) => decodeValues((object as SecretObject).data ?? {}),
      onChange: () => visitSoon(className),
      onTrouble,
      signal,
    });
    sources.set(className, source);
  }

  async function visit(key: string): Promise<void> {
    const className = key.slice(KEY_PREFIX.length);
    try {
      await lookAt(className);
    } finally {
      queue.addAfter(key, lookMs);
    }
  }

  async function lookAt(className: string): Promise<void> {
    const settings = classes[className];
    if (settings === undefined) return;
    const { tls, hostname } = settings;
    const before = stateOf(className);
    const time = now();
    // a look at each Secret, and mostly there is nothing to tell
    const isTold = before.trusted.some(({ told }) => told === undefined) && options.isTold(className, bundleOf(before));
    const facts = { now: time, isTold, running: options.running(className) };
    const { secretName: name } = tls;
    const found = sources.get(className)?.entries.get(`${namespace}/${name}`)?.value;
    const source = name === undefined ? undefined : { name, data: found };
    const names = [...new Set([hostname, ...tls.names])];
    const { state, troubles } = await look(before, { tls, names, source, facts, roots });
    metrics.certificateExpiry.set({ class: className }, (expiryOf(state)?.getTime() ?? 0) / 1000);
    try {
      await secrets.writeState(className, state);
      takeUp(className, state);
      const published = publishedOf(state);
      if (published !== undefined) await secrets.publish(className, published);
      tell(className, troubles);
    } catch (error) {
      tell(className, [...troubles, { reason: 'NotWritten', message: messageOf(error) }]);
      throw error;
    }
  }

  /** As it is kept; where somebody has deleted or damaged that, as this process or the relays know it. */
  function stateOf(className: string): State {
    const kept = secrets.state(className);
    if (kept !== undefined) return kept;
    const { authority: _, ...known } = states.get(className) ?? recoveredState(secrets.published(className));
    return known;
  }

  function takeUp(className: string, state: State): void {
    const before = states.get(className);
    states.set(className, state);
    if (before !== undefined) tellSteps(className, before, state);
    if (before === undefined || bundleOf(before) !== bundleOf(state)) options.onBundle();
  }

  function tellSteps(className: string, before: State, after: State): void {
    const isOther = (one: State['next'], other: State['next']) =>
      one !== undefined && (other === undefined || !isSamePair(one, other));
    if (isOther(after.next, before.next)) {
      const message =
        'A new certificate waits until all users have its authority in their Secrets, and for the time of announceSeconds after that.';
      record(className, { type: 'Normal', reason: 'CertificateAnnounced', message });
    }
    if (isOther(after.served, before.served)) {
      const message = `Relays get another certificate, valid until ${expiryOf(after)?.toISOString()}.`;
      record(className, { type: 'Normal', reason: 'CertificateRenewed', message });
    }
    if (before.trusted.some(({ pem }) => after.trusted.every((one) => one.pem !== pem))) {
      const message = 'An authority that no relay uses any more goes out of the Secrets of users.';
      record(className, { type: 'Normal', reason: 'AuthorityDropped', message });
    }
  }

  function tell(className: string, troubles: readonly Trouble[]): void {
    const { troubles: before, at } = troublesTold.get(className) ?? NOTHING_TOLD;
    for (const { reason } of before) metrics.certificateTroubles.remove({ class: className, reason });
    for (const { reason } of troubles) metrics.certificateTroubles.set({ class: className, reason }, 1);
    if (isEqual(before, troubles) && performance.now() - at < TELL_AGAIN_MS) return;
    troublesTold.set(className, { troubles, at: performance.now() });
    for (const { reason, message } of troubles) {
      record(className, { type: 'Warning', reason, message });
      onTrouble(`certificate of class ${className}: ${message}`);
    }
  }

  function record(className: string, event: Pick<PlannedEvent, 'type' | 'reason' | 'message'>): void {
    const about = secrets.about(className);
    if (about === undefined) return;
    options.record({ ...event, kind: 'Secret', apiVersion: 'v1', meta: { namespace, ...about } });
  }

  const all = [secrets, ...sources.values()];
  return {
    synced: Promise.all(all.map(({ synced }) => synced)),
    hasSynced: () => all.every((one) => one.hasSynced()),
    load: async () => {
      hasLoaded = true;
      for (const className of Object.keys(classes)) {
        // a class that fails is reported, and tried again
        await visit(`${KEY_PREFIX}${className}`).catch(() => undefined);
      }
    },
    inClasses: (views) =>
      new Map(
        [...views].map(([className, view]) => {
          const state = states.get(className);
          const caCertificate = state && bundleOf(state);
          return [className, { ...view, ...(caCertificate !== undefined && { caCertificate }) }];
        }),
      ),
    close: queue.close,
  };
}
