/** Carries out one object's part of the plan: first its Secret or DNSEndpoint, then its status, then its Events. */
import type { ListPlan } from '../../core/lists/lists.ts';
import { keyOf, type Kind, type PlannedEvent, type SecretPlan, type StatusPlan } from '../../core/model.ts';
import type { SenderPlan } from '../../core/senders/sender-plan.ts';
import type { UserPlan } from '../../core/users/user-plan.ts';
import { applySecret, deleteSecret, isSecretApplied, SecretRefused, type SecretOutcome } from './secret.ts';
import { applyStatus, isStatusApplied, type OwnStatus } from './status.ts';
import type { Caches } from '../cache/caches.ts';
import type { KubeClient } from '../client/client.ts';
import { findOne } from '../client/find-one.ts';
import { USERS } from '../client/resources.ts';
import type { Endpoints } from '../endpoints.ts';
import type { KnownSecret } from '../cache/views.ts';
import type { Contested } from './contested.ts';
import type { CrdFit } from './crd-fit.ts';

/** `KIND/NAMESPACE/NAME`. */
export type WorkKey = `${Kind | 'Secret'}/${string}`;

/** What the plan says about an object, if it says anything. */
export type ObjectWork =
  | { readonly kind: 'SmtpPlusUser'; readonly plan: UserPlan }
  | { readonly kind: 'SmtpPlusList'; readonly plan: ListPlan }
  | { readonly kind: 'VerifiedSender'; readonly plan: SenderPlan }
  /** A Secret that nobody wants any more. */
  | { readonly kind: 'Secret'; readonly key: string };

export interface WriteContext {
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly fit: CrdFit;
  readonly record: (event: PlannedEvent) => void;
  readonly onWrite: (what: 'secret' | 'status' | 'deletion') => void;
  /** Reads a Secret that somebody has made under a name that a user wants, and that the caches lack. */
  readonly lookAtSecret: (secret: string) => Promise<void>;
  readonly ownStatus: OwnStatus;
  readonly contested: Contested;
  readonly endpoints: Pick<Endpoints, 'isDone' | 'write'>;
  /** Why the Secret of a user cannot be written. */
  readonly onSecretTrouble: (user: string, trouble: string) => void;
}

/** `again`: what we knew is out of date; the same work is to be done when the watch has caught up. */
export type WriteOutcome = 'done' | 'again';

/**
 * Whether there is nothing to do, as far as the caches know. Each write of ours leads to another plan, which then asks for
 * nothing: keeping all of those until their turn comes would take most of the memory of a first reconcile.
 */
export function isDone(
  context: Pick<WriteContext, 'caches' | 'fit' | 'contested' | 'endpoints'>,
  work: ObjectWork,
): boolean {
  if (work.kind === 'Secret') return false;
  const { kind, plan } = work;
  if (!isThere(context, kind, plan.meta)) return true;
  const { status } = context.caches.objects[kind].get(keyOf(plan.meta)) ?? {};
  const isLeft = context.contested.isLeft(idOf(work));
  if (!isLeft && !isStatusApplied(statusPlanOf(work), status, context.fit)) return false;
  if (work.kind === 'VerifiedSender') return context.endpoints.isDone(work.plan);
  return work.kind !== 'SmtpPlusUser' || isSecretDone(context, work.plan);
}

/** Whether a user's Secret is as planned, as far as the caches know, or none is planned. */
export function isSecretDone({ caches }: Pick<WriteContext, 'caches'>, plan: UserPlan | undefined): boolean {
  if (plan?.secret === undefined) return true;
  return isSecretApplied(plan.secret, caches.secrets.get(keyOf(plan.secret)));
}

export async function writeObject(context: WriteContext, work: ObjectWork): Promise<WriteOutcome> {
  switch (work.kind) {
    case 'SmtpPlusUser':
      return writeUser(context, work.plan);
    case 'VerifiedSender':
      return writeSender(context, work.plan);
    case 'SmtpPlusList':
      return writeStatus(context, work);
    case 'Secret':
      return removeSecret(context, work.key);
  }
}

async function writeUser(context: WriteContext, plan: UserPlan): Promise<WriteOutcome> {
  if (!isThere(context, 'SmtpPlusUser', plan.meta)) return 'done';
  const kind = 'SmtpPlusUser';
  if (plan.secret === undefined) return writeStatus(context, { kind, plan });
  const outcome = await writeSecret(context, plan.secret).catch(async (error: unknown) => {
    if (error instanceof SecretRefused) await tellRefusal(context, plan, error);
    throw error;
  });
  if (outcome === 'done' || outcome === 'again') return outcome;
  if (outcome === 'unchanged') return writeStatus(context, { kind, plan });
  for (const event of plan.events) context.record(event);
  return writeStatus(context, { kind, plan: { ...plan, events: [] } });
}

/** As much of a refusal as a message for people has room for. */
const REFUSAL_MAX = 500;

/** The plan that follows knows of it and says so; one from before would say that all is well. */
async function tellRefusal(context: WriteContext, plan: UserPlan, { message }: SecretRefused): Promise<void> {
  context.onSecretTrouble(keyOf(plan.meta), message.slice(0, REFUSAL_MAX));
  const credentials = plan.status.conditions?.find(({ type }) => type === 'CredentialsReady');
  if (credentials?.status === 'False') await writeStatus(context, { kind: 'SmtpPlusUser', plan });
}

async function writeSecret(context: WriteContext, plan: SecretPlan): Promise<'written' | 'unchanged' | WriteOutcome> {
  const key = keyOf(plan);
  const known = context.caches.secrets.get(key);
  const outcome: SecretOutcome = await applySecret(context.client, plan, known);
  switch (outcome.kind) {
    case 'unchanged':
      return 'unchanged';
    case 'written':
      context.onWrite('secret');
      context.caches.secrets.observe(outcome.object);
      return 'written';
    case 'taken':
      if (known === undefined) await context.lookAtSecret(key);
      return 'again';
    case 'gone':
      return 'done';
  }
}

async function removeSecret({ client, caches, onWrite }: WriteContext, key: string): Promise<WriteOutcome> {
  const known = caches.secrets.get(key);
  if (known === undefined) return 'done';
  if (await isOwnerMissed({ client, caches }, known)) return 'again';
  const outcome = await deleteSecret(client, known);
  if (outcome.kind === 'taken') return 'again';
  onWrite('deletion');
  return 'done';
}

/**
 * Whether the user that a Secret belongs to exists, though our caches lack it. A Secret is deleted when its user is gone or
 * wants another one; that it is gone, neither a list nor a watch is believed alone.
 */
async function isOwnerMissed(
  { client, caches }: Pick<WriteContext, 'client' | 'caches'>,
  { ownerName = '', view: { namespace, controllerUid } }: KnownSecret,
): Promise<boolean> {
  if (caches.objects.SmtpPlusUser.get(`${namespace}/${ownerName}`)?.meta.uid === controllerUid) return false;
  const user = await findOne(client, USERS, { namespace, name: ownerName });
  if (user === undefined || user.metadata.uid !== controllerUid) return false;
  return user.metadata.deletionTimestamp === undefined;
}

async function writeSender(context: WriteContext, plan: SenderPlan): Promise<WriteOutcome> {
  const kind = 'VerifiedSender';
  if (!isThere(context, kind, plan.meta)) return 'done';
  const outcome = await context.endpoints.write(plan);
  if (outcome === 'again') return 'again';
  // the plan that follows knows what has come of it
  return outcome === 'told' ? 'done' : writeStatus(context, { kind, plan });
}

async function writeStatus(
  context: WriteContext,
  work: Exclude<ObjectWork, { kind: 'Secret' }>,
): Promise<WriteOutcome> {
  const { kind, plan } = work;
  const current = context.caches.objects[kind].get(keyOf(plan.meta));
  if (current === undefined || !isThere(context, kind, plan.meta)) return 'done';
  const { caches, contested } = context;
  if (contested.isLeft(idOf(work))) return 'done';
  const written = await applyStatus(context.client, statusPlanOf(work), current, context.fit);
  if (written === undefined) return 'done';
  context.onWrite('status');
  context.ownStatus.take(caches, statusPlanOf(work), written);
  contested.onWritten(idOf(work), caches.objects[kind].get(keyOf(plan.meta))?.status?.digest);
  for (const event of plan.events) context.record(event);
  return 'done';
}

function idOf({ kind, plan }: Exclude<ObjectWork, { kind: 'Secret' }>): string {
  return `${kind} ${keyOf(plan.meta)}`;
}

function statusPlanOf({ kind, plan: { meta, status } }: Exclude<ObjectWork, { kind: 'Secret' }>): StatusPlan {
  return { kind, meta, status };
}

/** A plan may be older than the cache: the object may be gone, going or made anew, which is for the next plan to deal with. */
function isThere(
  { caches }: Pick<WriteContext, 'caches'>,
  kind: StatusPlan['kind'],
  meta: StatusPlan['meta'],
): boolean {
  const object = caches.objects[kind].get(keyOf(meta));
  return object !== undefined && object.meta.uid === meta.uid && object.meta.deletionTimestamp === undefined;
}
