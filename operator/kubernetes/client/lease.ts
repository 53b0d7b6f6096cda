/**
 * Leader election by a Lease, with client-go's times: others may take it 15 s after its last renewal, while we stop writing
 * 10 s after ours. That gap, and a client that sends no write which could not be finished in time (client.ts), keep two
 * operators from ever writing at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GROUP } from '../../api/common.ts';
import { messageOf } from '../../errors.ts';
import { formatMicroTime, parseTime } from '../../core/time.ts';
import type { KubeClient } from './client.ts';
import { LEASES, pathOf, type KubeMeta } from './resources.ts';

const LEASE_SECONDS = 15;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2000;
/** Since when nobody has watched: a new leader renews the lease long before it knows what has happened meanwhile. */
const UNWATCHED = `${GROUP}/unwatched-since`;

export interface Lease {
  /** Resolves when this process leads, to the time from which on nobody has watched, as far as that is known. */
  readonly acquired: Promise<Date | undefined>;
  /** What happened meanwhile is taken up. Whoever is killed before that leaves the time to the next one. */
  readonly takenUp: () => void;
  readonly isLeader: () => boolean;
  /** Milliseconds for which writing is still safe; 0 or less: not the leader. */
  readonly writableMs: () => number;
  /** Gives the lease up, so that another can take it at once. */
  readonly release: () => Promise<void>;
}

export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  /** Called once when the lease was ours and could not be kept. The process must end. */
  readonly onLost: () => void;
  readonly onTrouble: (message: string) => void;
}

interface LeaseObject {
  readonly metadata: KubeMeta;
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly renewTime?: string;
    readonly acquireTime?: string;
    readonly leaseTransitions?: number;
  };
}

export function startLease(client: KubeClient, options: LeaseOptions): Lease {
  const stopping = new AbortController();
  /** Start of the last renewal that the server confirmed, by our monotonic clock. */
  let renewedAt: number | undefined;
  /** The other holder's record as we last saw it change: clocks of machines differ, so only our own measures its age. */
  let observed = { record: '', at: 0 };
  let isTakenUp = false;
  const { promise: acquired, resolve: markAcquired } = Promise.withResolvers<Date | undefined>();

  const writableMs = (): number => (renewedAt === undefined ? 0 : renewedAt + RENEW_DEADLINE_MS - performance.now());

  async function tryOnce(): Promise<void> {
    const began = performance.now();
    const lease = await readLease(client, options);
    const record = JSON.stringify(lease?.spec ?? null);
    if (record !== observed.record) observed = { record, at: began };
    if (!mayTake(lease, options.identity, began - observed.at)) return;
    const isNew = renewedAt === undefined;
    const unwatchedSince = isTakenUp ? undefined : unwatchedSinceOf(lease, isNew);
    const body = nextLease(lease, options, { isNew, unwatchedSince });
    if (!(await writeLease(client, options, body, lease !== undefined))) return;
    renewedAt = began;
    if (isNew) markAcquired(parseTime(unwatchedSince));
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await tryOnce().catch((error: unknown) =>
        options.onTrouble(
          `Lease ${options.namespace}/${options.name} cannot be taken or renewed, and is tried again: ${messageOf(error)}`,
        ),
      );
      if (renewedAt !== undefined && writableMs() <= 0) {
        renewedAt = undefined;
        options.onLost();
        return;
      }
      await sleep(RETRY_MS * (1 + Math.random() / 5), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
  const running = run();

  return {
    acquired,
    takenUp: () => (isTakenUp = true),
    isLeader: () => writableMs() > 0,
    writableMs,
    release: async () => {
      stopping.abort();
      await running;
      if (renewedAt === undefined) return;
      renewedAt = undefined;
      const lease = await readLease(client, options);
      if (lease?.spec?.holderIdentity !== options.identity) return;
      const spec = {
        ...lease.spec,
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: formatMicroTime(new Date()),
      };
      await writeLease(client, options, { ...lease, spec }, true);
    },
  };
}

function mayTake(lease: LeaseObject | undefined, identity: string, unchangedMs: number): boolean {
  const holder = lease?.spec?.holderIdentity;
  if (!holder || holder === identity) return true;
  return unchangedMs > (lease?.spec?.leaseDurationSeconds ?? LEASE_SECONDS) * 1000;
}

function unwatchedSinceOf(lease: LeaseObject | undefined, isNew: boolean): string | undefined {
  return lease?.metadata.annotations?.[UNWATCHED] ?? (isNew ? lease?.spec?.renewTime : undefined);
}

function nextLease(
  lease: LeaseObject | undefined,
  options: LeaseOptions,
  { isNew, unwatchedSince }: { readonly isNew: boolean; readonly unwatchedSince: string | undefined },
): object {
  const now = formatMicroTime(new Date());
  const { [UNWATCHED]: _, ...annotations } = lease?.metadata.annotations ?? {};
  const changed = lease?.spec?.holderIdentity !== options.identity;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    // with the resourceVersion that was read: of two that try at once, the server lets one through
    metadata: {
      ...(lease?.metadata ?? { namespace: options.namespace, name: options.name }),
      annotations: { ...annotations, ...(unwatchedSince !== undefined && { [UNWATCHED]: unwatchedSince }) },
    },
    spec: {
      holderIdentity: options.identity,
      leaseDurationSeconds: LEASE_SECONDS,
      acquireTime: isNew || changed ? now : lease?.spec?.acquireTime,
      renewTime: now,
      leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (changed ? 1 : 0),
    },
  };
}

async function readLease(client: KubeClient, options: LeaseOptions): Promise<LeaseObject | undefined> {
  const path = pathOf(LEASES, options);
  const answer = await client.request<LeaseObject>({ method: 'GET', path, attempts: 1, signal: deadline() });
  if (answer.ok) return answer.body;
  if (answer.status === 404) return undefined;
  throw new Error(`${answer.status} ${answer.message}`);
}

/** Whether the write got through; another's write in between is no error. */
async function writeLease(client: KubeClient, options: LeaseOptions, body: object, exists: boolean): Promise<boolean> {
  const { namespace, name } = options;
  const answer = await client.request({
    method: exists ? 'PUT' : 'POST',
    path: exists ? pathOf(LEASES, { namespace, name }) : pathOf(LEASES, { namespace }),
    body,
    attempts: 1,
    signal: deadline(),
  });
  if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status} ${answer.message}`);
  return answer.ok;
}

/** An answer that comes later than this is of no use for a renewal. */
function deadline(): AbortSignal {
  return AbortSignal.timeout(RENEW_DEADLINE_MS / 2);
}
