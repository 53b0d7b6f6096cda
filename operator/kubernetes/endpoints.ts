/** The DNSEndpoints of VerifiedSenders: what external-dns is asked to publish, and what has become of that. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectName } from '../api/names.ts';
import { ENDPOINT_SUFFIX } from '../core/names.ts';
import { keyOf, type ObjectMeta } from '../core/model.ts';
import type { DnsVerification } from '../core/senders/dns-verification.ts';
import type { EndpointRecords, PublicationFact } from '../core/senders/publication-model.ts';
import type { SenderPlan } from '../core/senders/sender-plan.ts';
import type { Sources } from '../core/sources.ts';
import { contentDigest, startEndpointCache, viewEndpoint, type KnownEndpoint } from './cache/endpoint-cache.ts';
import { RefusedError, type ApiAnswer } from './client/answers.ts';
import type { KubeClient } from './client/client.ts';
import { findOne } from './client/find-one.ts';
import { DNS_ENDPOINTS, type KubeObject } from './client/resources.ts';
import { leftAlone, missingRights, notOwned, notWritten, outOfReach, published } from './endpoint-facts.ts';
import { createContested } from './write/contested.ts';
import { deleteEndpoint, endpointManifest, dnsEndpointNameOf, putEndpoint } from './write/endpoint.ts';

export interface Endpoints {
  /** Resolves when it is known which there are, or after a while: what others have broken must not keep us from work. */
  readonly synced: () => Promise<unknown>;
  readonly publicationOf: Sources['publicationOf'];
  /** Whether there is nothing to do, as far as is known. */
  readonly isDone: (plan: SenderPlan) => boolean;
  /** `told`: another plan follows that knows what has come of it. `again`: what we knew is out of date. */
  readonly write: (plan: SenderPlan) => Promise<'done' | 'told' | 'again'>;
  /** What the latest plan says of senders; undefined: gone. */
  readonly follow: (senders: ReadonlyMap<string, SenderPlan | undefined>) => void;
}

export interface EndpointsOptions {
  /** What the settings allow. Nothing: nobody asks the cluster for any. */
  readonly allowed: DnsVerification['endpoints'];
  /** Empty: all of them. */
  readonly watchNamespaces: readonly string[];
  /** Whether it is we who write. */
  readonly leads: () => boolean;
  /** Those that there are, by `NAMESPACE/NAME`. */
  readonly senders: { readonly get: (key: string) => unknown; readonly keys: () => Iterable<string> };
  /** Something else is known of the DNSEndpoints of these senders. */
  readonly onFact: (senders: readonly string[]) => void;
  readonly onWrite: (what: 'endpoint' | 'deletion') => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
  /** How often it is tried whether the cluster has the kind by now; milliseconds. */
  readonly crdProbeMs?: number | undefined;
}

const PROBE_MS = 30_000;
const PATIENCE_MS = 10_000;

export function startEndpoints(client: KubeClient, options: EndpointsOptions): Endpoints {
  const { allowed, watchNamespaces, senders, leads, onFact, onWrite, onTrouble } = options;
  const probeMs = options.crdProbeMs ?? PROBE_MS;
  const everywhere = watchNamespaces.length === 0 ? [undefined] : watchNamespaces;
  /** Why the last write came to nothing, by key of the sender. It is tried again with each plan of it. */
  const troubles = new Map<string, PublicationFact>();
  const contested = createContested((sender) =>
    onTrouble(`VerifiedSender ${sender}: ${leftAlone(nameOf(sender)).message}`),
  );
  /** What a write of ours is about to tell the cache. */
  let ownDigest: string | undefined;
  /** Those that we have deleted ourselves. */
  const pruned = new Set<string>();
  const cache = startEndpointCache(client, {
    ...options,
    namespaces: allowed === 'DKIM' || allowed === 'All' ? everywhere : [],
    retryMs: probeMs,
    onChange: (key, before, after) => {
      const sender = key.endsWith(ENDPOINT_SUFFIX) ? key.slice(0, -ENDPOINT_SUFFIX.length) : undefined;
      if (sender === undefined || senders.get(sender) === undefined || !leads()) return;
      const isOurs = after === undefined ? pruned.has(sender) : after.digest === ownDigest;
      if (!isOurs && before?.digest !== after?.digest) contested.onTold(sender, after?.digest ?? GONE);
      onFact([sender]);
    },
    onRefusal: (refusal) => {
      if (refusal?.status === 403) onTrouble(missingRights(refusal));
      onFact([...senders.keys()]);
    },
  });

  void cache.synced.then(() => onFact([...senders.keys()]));

  const isLeft = (sender: ObjectMeta): boolean => contested.isLeft(keyOf(sender));

  function isDone({ meta, endpoint }: SenderPlan): boolean {
    if (endpoint === undefined || !cache.hasSynced() || cache.refusalIn(meta.namespace) !== undefined) return true;
    const known = cache.get(keyOf(dnsEndpointNameOf(meta)));
    if (known === undefined) return endpoint.length === 0 || isLeft(meta);
    if (!isOf(meta, known) || known.isGoing) return true;
    if (endpoint.length === 0) return false;
    return known.digest === contentDigest(endpointManifest(meta, endpoint)) || isLeft(meta);
  }

  /** Where the kind or a namespace is going; mostly the watch says so before. */
  let looking: NodeJS.Timeout | undefined;
  options.signal.addEventListener('abort', () => clearTimeout(looking));
  function lookLater(): 'done' {
    looking ??= setTimeout(() => {
      looking = undefined;
      onFact([...senders.keys()]);
    }, probeMs).unref();
    return 'done';
  }

  async function write(plan: SenderPlan): Promise<'done' | 'told' | 'again'> {
    try {
      return isDone(plan) ? 'done' : await writeOrPrune(plan);
    } catch (error) {
      if (error instanceof RefusedError && isPassing(error)) return lookLater();
      throw error;
    }
  }

  async function writeOrPrune({ meta, endpoint = [] }: SenderPlan): Promise<'done' | 'told' | 'again'> {
    const target = dnsEndpointNameOf(meta);
    const known = cache.get(keyOf(target)) ?? (await find(target));
    if (known !== undefined && !isOf(meta, known))
      return isLeaving(meta, known) ? 'done' : tell(meta, notOwned(target));
    if (endpoint.length > 0)
      return take(meta, endpoint, await putEndpoint(client, endpointManifest(meta, endpoint), known));
    troubles.delete(keyOf(meta));
    if (known === undefined) return 'done';
    // the watch may tell of it before it is answered
    pruned.add(keyOf(meta));
    const answer = await deleteEndpoint(client, target, known);
    if (answer.ok) onWrite('deletion');
    else pruned.delete(keyOf(meta));
    return !answer.ok && answer.status === 409 ? 'again' : 'done';
  }

  /** Somebody may have made one under this name, or taken the label off ours. */
  async function find(target: ObjectName) {
    const object = await findOne(client, DNS_ENDPOINTS, target);
    return object && viewEndpoint(object);
  }

  function take(
    sender: ObjectMeta,
    records: EndpointRecords,
    answer: ApiAnswer<KubeObject>,
  ): 'done' | 'told' | 'again' {
    if (!answer.ok) {
      if (answer.status === 409) return 'again';
      if (isPassing(answer)) return lookLater();
      if (answer.status >= 500)
        throw new Error(`the DNSEndpoint cannot be written: ${answer.status} ${answer.message}`);
      return tell(sender, notWritten(dnsEndpointNameOf(sender), answer));
    }
    onWrite('endpoint');
    const key = keyOf(sender);
    troubles.delete(key);
    pruned.delete(key);
    const wished = contentDigest(endpointManifest(sender, records));
    const stored = contentDigest(answer.body);
    contested.onWritten(key, wished);
    // an admission webhook has its own idea of it
    if (stored !== wished) contested.onTold(key, stored);
    ownDigest = stored;
    cache.observe(answer.body);
    ownDigest = undefined;
    return 'told';
  }

  function tell(sender: ObjectMeta, fact: PublicationFact): 'done' | 'told' {
    const key = keyOf(sender);
    if (troubles.get(key)?.message === fact.message) return 'done';
    troubles.set(key, fact);
    if (fact.reason === 'EndpointNotWritten') onTrouble(`VerifiedSender ${key}: ${fact.message}`);
    onFact([key]);
    return 'told';
  }

  return {
    synced: () => Promise.race([cache.synced, sleep(PATIENCE_MS, undefined, { ref: false })]),
    isDone,
    write,
    follow: (senders) => {
      for (const [key, plan] of senders) {
        if (plan !== undefined) continue;
        troubles.delete(key);
        pruned.delete(key);
        contested.forget(key);
      }
    },
    publicationOf: (sender, records) => {
      const refusal = cache.refusalIn(sender.namespace);
      if (refusal !== undefined) return outOfReach(refusal);
      const target = dnsEndpointNameOf(sender);
      const known = cache.get(keyOf(target));
      if (known !== undefined && !isLeaving(sender, known)) {
        if (!isOf(sender, known)) return notOwned(target);
        if (known.digest === contentDigest(endpointManifest(sender, records))) return published(target, known.isRead);
      }
      return isLeft(sender) ? leftAlone(target.name) : troubles.get(keyOf(sender));
    },
  };
}

/** Name of the DNSEndpoint of a sender (`NAMESPACE/NAME`). */
const nameOf = (sender: string): string => `${sender.slice(sender.indexOf('/') + 1)}${ENDPOINT_SUFFIX}`;

/** In place of the digest of one that is not there. */
const GONE = 'gone';

function isOf(sender: ObjectMeta, { controller }: KnownEndpoint): boolean {
  return controller?.uid === sender.uid;
}

/** It is being deleted; or it belongs to a sender that had this name before, and Kubernetes is about to delete it. */
function isLeaving(sender: ObjectMeta, { isGoing, controller }: KnownEndpoint): boolean {
  const isFormer = controller?.kind === 'VerifiedSender' && controller.name === sender.name;
  return isGoing || (isFormer && controller.uid !== sender.uid);
}

/** Its namespace is going or gone, or the CRD is. */
function isPassing({ status, message }: { readonly status: number; readonly message: string }): boolean {
  return status === 404 || (status === 403 && /being terminated|is terminating/.test(message));
}
