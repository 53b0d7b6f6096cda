/** Writes credentials Secrets: made, repaired, adopted and deleted; never taken over from somebody else. */
import { leftovers } from '../../core/credentials/secret-template.ts';
import { belongsTo, isRetained } from '../../core/credentials/ownership.ts';
import type { SecretPlan, SecretView } from '../../core/model.ts';
import { encodeValues, ownerReference } from '../../manifests/secrets.ts';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { pathOf, SECRETS } from '../client/resources.ts';
import type { KnownSecret, SecretObject } from '../cache/views.ts';

export const FIELD_MANAGER = 'smtp-plus';

export type SecretOutcome =
  | { readonly kind: 'written'; readonly object: SecretObject }
  | { readonly kind: 'unchanged' }
  /** A Secret that is not ours has the name, or ours has changed since we looked: look again. */
  | { readonly kind: 'taken' }
  /** Its namespace is going or gone; so is its user. */
  | { readonly kind: 'gone' };

/**
 * Makes one Secret be as planned. A new one is created, never applied: with POST the API server itself guarantees that
 * nothing is taken over. A known one is patched where it differs, and only in the version that we know.
 */
export async function applySecret(
  client: KubeClient,
  plan: SecretPlan,
  known: KnownSecret | undefined,
): Promise<SecretOutcome> {
  if (known === undefined) return outcomeOf(await create(client, plan));
  if (!belongsTo(known.view, plan.owner)) return { kind: 'taken' };
  if (known.view.type !== plan.type) return replace(client, plan, known);
  const patch = patchOf(plan, known);
  if (patch === undefined) return { kind: 'unchanged' };
  if (known.isImmutable) return replace(client, plan, known);
  const path = `${pathOf(SECRETS, plan)}?fieldManager=${FIELD_MANAGER}`;
  const answer = await client.request<SecretObject>({
    method: 'PATCH',
    path,
    contentType: 'application/strategic-merge-patch+json',
    body: patch,
  });
  return outcomeOf(answer);
}

/** The API server refuses a write (a quota, an admission webhook), which the owner of the user has to know. */
export class SecretRefused extends Error {}

/** Whether a Secret is as planned already. */
export function isSecretApplied(plan: SecretPlan, known: KnownSecret | undefined): boolean {
  if (known === undefined || !belongsTo(known.view, plan.owner) || known.view.type !== plan.type) return false;
  return patchOf(plan, known) === undefined;
}

/** Deletes exactly the object that we know, in the version that we know. */
export async function deleteSecret(client: KubeClient, known: KnownSecret): Promise<SecretOutcome> {
  const { uid, resourceVersion } = known;
  const path = pathOf(SECRETS, known.view);
  const answer = await client.request({ method: 'DELETE', path, body: { preconditions: { uid, resourceVersion } } });
  if (answer.ok || answer.status === 404) return { kind: 'gone' };
  if (answer.status === 409) return { kind: 'taken' };
  throw new Error(
    `Secret ${known.view.namespace}/${known.view.name} cannot be deleted: ${answer.status} ${answer.message}`,
  );
}

/**
 * A type, or data that is immutable, cannot be changed: that takes a new Secret. A dry run asks first whether it would be taken
 * (a quota, a webhook may refuse it), since the old one has to go before the new one can be made.
 */
async function replace(client: KubeClient, plan: SecretPlan, known: KnownSecret): Promise<SecretOutcome> {
  const asked = await create(client, plan, { isDryRun: true });
  // that it exists is the last thing to be found out
  if (!asked.ok && asked.status !== 409) return outcomeOf(asked);
  const outcome = await deleteSecret(client, known);
  if (outcome.kind !== 'gone') return outcome;
  const made = await create(client, plan);
  if (!made.ok && made.status === 409) throw new SecretRefused('409 a finalizer holds the one that is to be replaced');
  return outcomeOf(made);
}

function create(client: KubeClient, plan: SecretPlan, { isDryRun = false } = {}): Promise<ApiAnswer<SecretObject>> {
  const { namespace, name, labels, annotations, type } = plan;
  const path = `${pathOf(SECRETS, { namespace })}?fieldManager=${FIELD_MANAGER}${isDryRun ? '&dryRun=All' : ''}`;
  const ownerReferences = isRetained(plan) ? [] : [ownerReference(plan.owner)];
  const metadata = { namespace, name, labels, annotations, ownerReferences };
  const body = { apiVersion: 'v1', kind: 'Secret', metadata, type, data: encodeValues(plan.data) };
  return client.request<SecretObject>({ method: 'POST', path, body });
}

/** Strategic merge patch to the plan, or undefined where nothing differs. Labels, annotations and owners of others stay. */
function patchOf(plan: SecretPlan, known: KnownSecret): object | undefined {
  const { view } = known;
  const strangers = [...Object.keys(view.data), ...known.hiddenKeys].filter((key) => !Object.hasOwn(plan.data, key));
  const data = { ...nulls(strangers), ...encodeValues(missingFrom(plan.data, view.data)) };
  const obsolete = leftovers(view, plan);
  const labels = { ...missingFrom(plan.labels, view.labels), ...nulls(obsolete.labels) };
  const annotations = { ...missingFrom(plan.annotations, view.annotations), ...nulls(obsolete.annotations) };
  const ownerReferences = ownersToChange(plan, view);
  if ([data, labels, annotations, ownerReferences].every((part) => Object.keys(part).length === 0)) return undefined;
  const { uid, resourceVersion } = known;
  return { metadata: { uid, resourceVersion, labels, annotations, ownerReferences }, data };
}

/** A patch of a list that is merged by UID. */
function ownersToChange(plan: SecretPlan, { controllerUid, retainedFor }: SecretView): readonly object[] {
  const referred = retainedFor === undefined ? controllerUid : undefined;
  if (isRetained(plan)) return referred === undefined ? [] : [{ $patch: 'delete', uid: referred }];
  return referred === undefined ? [ownerReference(plan.owner)] : [];
}

function missingFrom(
  wanted: Readonly<Record<string, string>>,
  there: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => there[key] !== value));
}

/** What a merge patch removes. */
function nulls(keys: readonly string[]): object {
  return Object.fromEntries(keys.map((key) => [key, null]));
}

function outcomeOf(answer: ApiAnswer<SecretObject>): SecretOutcome {
  if (answer.ok) return { kind: 'written', object: answer.body };
  if (answer.status === 409) return { kind: 'taken' };
  // 403 with this cause: the namespace is being deleted, and takes nothing new
  const isGoing = answer.status === 403 && answer.message.includes('being terminated');
  if (answer.status === 404 || isGoing) return { kind: 'gone' };
  const message = `${answer.status} ${answer.message}`;
  throw answer.status < 500 ? new SecretRefused(message) : new Error(`write of Secret: ${message}`);
}
