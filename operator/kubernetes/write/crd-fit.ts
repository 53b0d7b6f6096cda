/**
 * Whether the CRDs in the cluster have room for what we write into a status. Helm never upgrades CRDs, so an operator
 * often meets older ones, which refuse a server-side apply with a field that they lack or a value that they do not
 * list. The status is then written in another way, without those fields, and an Event says so.
 */
import type { Kind, PlannedEvent, StatusPlan } from '../../core/model.ts';
import { keyOf } from '../../core/model.ts';
import type { KubeClient } from '../client/client.ts';
import { digestOf } from '../cache/known-status.ts';
import { wouldFit, type StatusFit } from './status.ts';

export interface CrdFit extends StatusFit {
  /** Which CRDs are too old, and what to do, by kind. */
  readonly troubles: () => ReadonlyMap<Kind, string>;
}

export interface CrdFitOptions {
  readonly record: (event: PlannedEvent) => void;
  readonly onTrouble: (message: string) => void;
  /** The CRD of a kind was upgraded: the statuses of these objects can be written whole. */
  readonly onFits: (kind: Kind, keys: readonly string[]) => void;
  readonly signal: AbortSignal;
  /** How often it is tried whether a CRD fits by now; milliseconds. */
  readonly crdProbeMs?: number;
}

const PROBE_MS = 30_000;
/** As much of a refusal as names a field or two. */
const REFUSAL_MAX = 300;

interface Reduced {
  readonly planned: string;
  readonly stored: string;
}

interface Outdated {
  readonly message: string;
  /** One of those that were refused: when this one is taken, the CRD fits. */
  plan: StatusPlan;
}

export function startCrdFit(client: KubeClient, options: CrdFitOptions): CrdFit {
  const reduced: Record<Kind, Map<string, Reduced>> = {
    SmtpPlusList: new Map(),
    SmtpPlusUser: new Map(),
    VerifiedSender: new Map(),
  };
  const outdated = new Map<Kind, Outdated>();

  async function probe(): Promise<void> {
    for (const [kind, { plan }] of outdated) {
      if (!(await wouldFit(client, plan).catch(() => false))) continue;
      outdated.delete(kind);
      const keys = [...reduced[kind].keys()];
      reduced[kind].clear();
      options.onFits(kind, keys);
    }
  }
  const probing = setInterval(() => void probe(), options.crdProbeMs ?? PROBE_MS).unref();
  options.signal.addEventListener('abort', () => clearInterval(probing));

  return {
    isOutdated: (kind) => outdated.has(kind),
    refused: (plan, refusal) => {
      const { kind, meta } = plan;
      const known = outdated.get(kind);
      if (known !== undefined) {
        known.plan = plan;
        return;
      }
      const message = `the CRD of ${kind} is of another version than this operator, mostly of an older one, so that statuses lack what it does not know; apply crds/ of this version (an upgrade with Helm does not): ${refusal.replace(/\s+/g, ' ').slice(0, REFUSAL_MAX)}`;
      outdated.set(kind, { message, plan });
      options.onTrouble(message);
      options.record({ kind, meta, type: 'Warning', reason: 'CrdOutdated', message });
    },
    reduced: (plan, stored) => {
      reduced[plan.kind].set(keyOf(plan.meta), { planned: digestOf(plan.status), stored: digestOf(stored) });
    },
    isNearest: ({ kind, meta, status }, current) => {
      const known = reduced[kind].get(keyOf(meta));
      return known !== undefined && known.stored === current?.digest && known.planned === digestOf(status);
    },
    troubles: () => new Map([...outdated].map(([kind, { message }]) => [kind, message])),
  };
}
