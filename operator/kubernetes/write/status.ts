import type { Kind, StatusPlan } from '../../core/model.ts';
import { API_VERSION } from '../../api/common.ts';
import type { KubeClient } from '../client/client.ts';
import { digestOf, type KnownStatus } from '../cache/known-status.ts';
import { LISTS, pathOf, SENDERS, USERS, type KubeObject, type Resource } from '../client/resources.ts';
import type { KnownObject } from '../cache/views.ts';

const STATUS_MANAGER = 'smtp-plus-status';

export const RESOURCES: Readonly<Record<Kind, Resource>> = {
  SmtpPlusList: LISTS,
  SmtpPlusUser: USERS,
  VerifiedSender: SENDERS,
};

/** Whether a status is as planned already. */
export function isStatusApplied({ status }: Pick<StatusPlan, 'status'>, current: KnownStatus | undefined): boolean {
  return digestOf(status) === current?.digest;
}

/**
 * Writes a status where it differs from the one that is there, by server-side apply: fields that we no longer give
 * disappear. The UID makes sure that the status of a deleted object never lands on one made anew under its name, the
 * version that what we know is what is there: an operator that was replaced without knowing it changes nothing.
 */
export async function applyStatus(
  client: KubeClient,
  plan: StatusPlan,
  current: Pick<KnownObject, 'status' | 'resourceVersion'>,
): Promise<KubeObject | undefined> {
  if (isStatusApplied(plan, current.status)) return undefined;
  const { resourceVersion } = current;
  const { namespace, name, uid } = plan.meta;
  const target = pathOf(RESOURCES[plan.kind], { namespace, name, subresource: 'status' });
  const answer = await client.request<KubeObject>({
    method: 'PATCH',
    path: `${target}?fieldManager=${STATUS_MANAGER}&force=true`,
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: API_VERSION,
      kind: plan.kind,
      metadata: { namespace, name, uid, resourceVersion },
      status: plan.status,
    },
  });
  if (answer.ok) return withoutStrangers(client, plan, answer.body);
  // changed, deleted, or deleted and made anew, since the plan: the watch will say so
  if (answer.status === 404 || answer.status === 409) return undefined;
  throw new Error(`status of ${plan.kind} ${namespace}/${name}: ${answer.status} ${answer.message}`);
}

/** What others have put into a status stays there with an apply, as if we had said it. */
async function withoutStrangers(client: KubeClient, plan: StatusPlan, written: KubeObject): Promise<KubeObject> {
  const { status } = written as KubeObject & { readonly status?: unknown };
  if (digestOf(status) === digestOf(plan.status)) return written;
  const answer = await client.request<KubeObject>({
    method: 'PATCH',
    path: `${pathOf(RESOURCES[plan.kind], { ...plan.meta, subresource: 'status' })}?fieldManager=${STATUS_MANAGER}`,
    contentType: 'application/json-patch+json',
    body: [
      { op: 'test', path: '/metadata/resourceVersion', value: written.metadata.resourceVersion },
      { op: 'replace', path: '/status', value: plan.status },
    ],
  });
  // changed once more meanwhile: the watch will say so
  return answer.ok ? answer.body : written;
}
