/** Queues whatever differs from the cluster, at most one item for each object, and has a few workers write it. */
import type { ListPlan } from '../../core/lists/lists.ts';
import type { Kind } from '../../core/model.ts';
import type { Turn } from '../../core/planner-state.ts';
import type { UserPlan } from '../../core/users/user-plan.ts';
import { createWorkQueue, type WorkQueue, type WorkQueueOptions } from '../client/queue.ts';
import { isDone, isSecretDone, writeObject, type ObjectWork, type WorkKey, type WriteContext } from './object.ts';
import { enqueueWork, urgencyOf } from './order.ts';

export interface Backlog extends Pick<WorkQueue, 'depth' | 'isIdle' | 'close'> {
  /** Queues what of this is not so on the cluster yet. */
  readonly publish: (turn: Omit<Turn, 'events' | 'farewells' | 'faults'>) => void;
  /** Why the Secret of a user could not be written when it was last tried. */
  readonly secretTroubleOf: (user: string) => string | undefined;
}

export interface BacklogOptions extends Omit<WriteContext, 'onSecretTrouble'>, Pick<WorkQueueOptions, 'onDone'> {
  /** Whether what a plan names has still to be looked up: it is planned again then. */
  readonly isEarly: (kind: Kind, plan: UserPlan | ListPlan) => boolean;
  /** Something was written again, since what we knew was not what was there. */
  readonly onRetry: () => void;
  /** What was planned of the object (`KIND NAMESPACE/NAME`) while it was being written is to be planned again. */
  readonly onOutdated: (object: string) => void;
  /** `secretTroubleOf` says something else of this user. */
  readonly onSecretTrouble: (user: string) => void;
}

/** Requests under way at once; the client has a few connections more, for the rollout. */
const WORKERS = 24;
/** What we knew was out of date; by then the watch has caught up. */
const RETRY_MS = 100;

export function createWriteBacklog(given: BacklogOptions): Backlog {
  const { onDone, onRetry, onOutdated, onSecretTrouble, isEarly, ...options } = given;
  const { caches } = options;
  /** The latest plan is the only one that counts. */
  const backlog = new Map<string, ObjectWork>();
  /**
   * What is being written, and what was planned of it meanwhile. That was planned from what was about to change, and tells wrong
   * times of transition: where it says anything else than what is there after the write, it is planned again.
   */
  const writing = new Map<string, { later?: { readonly work: ObjectWork | undefined } }>();
  const secretTroubles = new Map<string, string>();
  const context: WriteContext = { ...options, onSecretTrouble: setSecretTrouble };

  const queue = createWorkQueue({
    workers: WORKERS,
    tenantOf: (key) => key.split('/')[1] ?? '',
    work: async (key) => {
      const work = backlog.get(key);
      if (work === undefined) return;
      const state: { later?: { readonly work: ObjectWork | undefined } } = {};
      writing.set(key, state);
      try {
        const outcome = await writeObject(context, work);
        if (outcome === 'done') backlog.delete(key);
        else if (state.later === undefined) {
          onRetry();
          queue.addAfter(key, RETRY_MS, urgencyOf(work, caches));
        }
      } finally {
        writing.delete(key);
        if (state.later !== undefined) giveUp(key, state.later.work);
      }
    },
    ...(onDone !== undefined && { onDone }),
  });

  function publish({ users, lists, senders, secrets }: Omit<Turn, 'events' | 'farewells' | 'faults'>): void {
    for (const [key, plan] of users) {
      if (plan && isEarly('SmtpPlusUser', plan)) continue;
      put(`SmtpPlusUser/${key}`, plan && { kind: 'SmtpPlusUser', plan });
      if (secretTroubles.has(key) && isSecretDone(context, plan)) setSecretTrouble(key, undefined);
    }
    for (const [key, plan] of lists) {
      if (plan && isEarly('SmtpPlusList', plan)) continue;
      put(`SmtpPlusList/${key}`, plan && { kind: 'SmtpPlusList', plan });
    }
    for (const [key, plan] of senders) put(`VerifiedSender/${key}`, plan && { kind: 'VerifiedSender', plan });
    for (const [key, isOrphan] of secrets) put(`Secret/${key}`, isOrphan ? { kind: 'Secret', key } : undefined);
  }

  function put(key: WorkKey, work: ObjectWork | undefined): void {
    const current = writing.get(key);
    if (current !== undefined) {
      current.later = { work };
      return;
    }
    if (work === undefined || isDone(context, work)) {
      backlog.delete(key);
      return;
    }
    backlog.set(key, work);
    enqueueWork(queue, key, work, caches);
  }

  /** What was to be written counts no more, since something else was planned later. */
  function giveUp(key: string, later: ObjectWork | undefined): void {
    backlog.delete(key);
    if (later !== undefined && !isDone(context, later)) onOutdated(key.replace('/', ' '));
  }

  function setSecretTrouble(user: string, trouble: string | undefined): void {
    if (secretTroubles.get(user) === trouble) return;
    if (trouble === undefined) secretTroubles.delete(user);
    else secretTroubles.set(user, trouble);
    onSecretTrouble(user);
  }

  const { depth, isIdle, close } = queue;
  return { publish, secretTroubleOf: (user) => secretTroubles.get(user), depth, isIdle, close };
}
