import type { Kind, StatusPlan } from '../../core/model.ts';
import { API_VERSION } from '../../api/common.ts';
import type { ApiAnswer } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import type { Caches } from '../cache/caches.ts';
import { digestOf, type KnownStatus } from '../cache/known-status.ts';
import { KIND_RESOURCES, pathOf, type KubeObject } from '../client/resources.ts';
import type { KnownObject } from '../cache/views.ts';
import { LEFT_MINUTES, ROUNDS } from './contested.ts';

const STATUS_MANAGER = 'smtp-plus-status';

/** What the CRDs in the cluster can store of a status: asked before each write, and told what came of it. */
export interface StatusFit {
  readonly isOutdated: (kind: Kind) => boolean;
  /** The API server does not know a field of this status. */
  readonly refused: (plan: StatusPlan, message: string) => void;
  /** What the API server has made of a status is not what was planned, and nothing better can be had. */
  readonly reduced: (plan: StatusPlan, stored: unknown) => void;
  /** Whether a status is as near to the plan as the CRD lets it. */
  readonly isNearest: (plan: StatusPlan, current: KnownStatus | undefined) => boolean;
}

/** What is said about the first status that somebody else replaces each time. */
export function contestedStatus(object: string): string {
  return `the status of ${object} was replaced by somebody else each of the ${ROUNDS} times that this operator wrote it: it is left alone for ${LEFT_MINUTES} minutes, as will be others of which the same is true (metric smtpplus_operator_contested_statuses). Where two installations are in this cluster, no class may be in the settings of both, each of their classes belongs into classesElsewhere of the other, and reportsUnknownClasses: true is for one of them alone.`;
}

/** Whether a status is as planned already, or as near to it as the CRD lets it. */
export function isStatusApplied(plan: StatusPlan, current: KnownStatus | undefined, fit: StatusFit): boolean {
  return digestOf(plan.status) === current?.digest || fit.isNearest(plan, current);
}

/**
 * Writes a status where it differs from the one that is there, by server-side apply: fields that we no longer give
 * disappear. The UID keeps the status of a deleted object off one that was made anew under its name. The version keeps an
 * operator that was replaced without knowing it from changing anything.
 */
export async function applyStatus(
  client: KubeClient,
  plan: StatusPlan,
  current: Pick<KnownObject, 'status' | 'resourceVersion'>,
  fit: StatusFit,
): Promise<KubeObject | undefined> {
  if (isStatusApplied(plan, current.status, fit)) return undefined;
  const { resourceVersion } = current;
  if (fit.isOutdated(plan.kind)) return replaceStatus(client, plan, resourceVersion, fit);
  const answer = await apply(client, plan, { resourceVersion });
  if (answer.ok) {
    // what others have put into a status stays there with an apply, as if we had said it
    const { status } = answer.body as WithStatus;
    if (digestOf(status) === digestOf(plan.status)) return answer.body;
    return (await replaceStatus(client, plan, answer.body.metadata.resourceVersion, fit)) ?? answer.body;
  }
  if (isOfUnknownField(answer) || isOfUnknownValue(answer)) {
    fit.refused(plan, answer.message);
    return replaceStatus(client, plan, resourceVersion, fit);
  }
  return ifStillThere(answer, plan);
}

/** Whether the API server would take a status that it has refused; where its object is gone, only another one can tell. */
export async function wouldFit(client: KubeClient, plan: StatusPlan): Promise<boolean> {
  const { ok, status } = await apply(client, plan, { isDryRun: true });
  return ok || status === 404 || status === 409;
}

interface WithStatus extends KubeObject {
  readonly status?: unknown;
}

/** An apply names its fields by the schema of the CRD; 500 and 422 both occur. */
function isOfUnknownField(answer: ApiAnswer<unknown>): boolean {
  return !answer.ok && answer.message.includes('field not declared in schema');
}

/** The CRD takes other values than this operator gives: it lacks one that was added, or one that was taken away. */
function isOfUnknownValue(answer: ApiAnswer<unknown>): boolean {
  return !answer.ok && answer.status === 422 && refusedFields(answer.message).length > 0;
}

/** The fields of the status that an API server names when it refuses one by its schema. */
function refusedFields(message: string): readonly string[] {
  // an admission policy answers 422 as well, in other words
  const [, reasons = ''] = message.split(' is invalid: ');
  return [...new Set([...reasons.matchAll(/\bstatus\.(\w+)/g)].map(([, field = '']) => field))];
}

function apply(
  client: KubeClient,
  { kind, meta: { namespace, name, uid }, status }: StatusPlan,
  { resourceVersion, isDryRun = false }: { readonly resourceVersion?: string; readonly isDryRun?: boolean },
): Promise<ApiAnswer<KubeObject>> {
  const query = `fieldManager=${STATUS_MANAGER}&force=true${isDryRun ? '&dryRun=All' : ''}`;
  return client.request<KubeObject>({
    method: 'PATCH',
    path: `${pathOf(KIND_RESOURCES[kind], { namespace, name, subresource: 'status' })}?${query}`,
    contentType: 'application/apply-patch+yaml',
    body: {
      apiVersion: API_VERSION,
      kind,
      metadata: { namespace, name, uid, ...(resourceVersion !== undefined && { resourceVersion }) },
      status,
    },
    isFinal: isOfUnknownField,
  });
}

/**
 * Puts a status in place of the one that is there. Fields that the CRD does not know are dropped by the API server, those
 * whose values it does not take are left out here, and what it adds is added.
 */
async function replaceStatus(
  client: KubeClient,
  plan: StatusPlan,
  resourceVersion: string,
  fit: StatusFit,
): Promise<KubeObject | undefined> {
  let status: Readonly<Record<string, unknown>> = plan.status;
  for (;;) {
    const answer = await putStatus(client, plan.meta, { kind: plan.kind, status, resourceVersion });
    if (answer.ok) {
      const stored = answer.body.status;
      if (digestOf(stored) !== digestOf(plan.status)) fit.reduced(plan, stored);
      return answer.body;
    }
    const refused = isOfUnknownValue(answer) ? refusedFields(answer.message) : [];
    const left = Object.fromEntries(Object.entries(status).filter(([field]) => !refused.includes(field)));
    // each round has fewer fields
    if (Object.keys(left).length === Object.keys(status).length) return ifStillThere(answer, plan);
    status = left;
  }
}

function putStatus(
  client: KubeClient,
  meta: StatusPlan['meta'],
  { kind, status, resourceVersion }: Pick<StatusPlan, 'kind'> & { status: object; resourceVersion: string },
): Promise<ApiAnswer<WithStatus>> {
  return client.request<WithStatus>({
    method: 'PATCH',
    path: `${pathOf(KIND_RESOURCES[kind], { ...meta, subresource: 'status' })}?fieldManager=${STATUS_MANAGER}`,
    contentType: 'application/json-patch+json',
    body: [
      { op: 'test', path: '/metadata/uid', value: meta.uid },
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      { op: 'add', path: '/status', value: status },
    ],
  });
}

/** Changed, deleted, or deleted and made anew, since the plan: the watch will say so. Anything else is an error. */
function ifStillThere(answer: ApiAnswer<unknown>, { kind, meta }: StatusPlan): undefined {
  if (answer.ok || answer.status === 404 || answer.status === 409) return undefined;
  // a `test` of a JSON patch did not hold; a value that is not valid is answered in other words
  if (answer.status === 422 && answer.message.includes('rejected our request')) return undefined;
  throw new Error(
    `the status of ${kind} ${meta.namespace}/${meta.name} cannot be written: ${answer.status} ${answer.message}`,
  );
}

export interface OwnStatus {
  /** Puts the answer to a status write into the caches. */
  readonly take: (caches: Caches, plan: StatusPlan, written: KubeObject) => void;
  /** Whether the caches tell of just that. */
  readonly isTaken: () => boolean;
  /** Whether they do, and it is as planned: then nobody has to look at it. */
  readonly isTold: (object: KnownObject | undefined) => boolean;
}

export function createOwnStatus(): OwnStatus {
  let digest: string | undefined;
  return {
    take: ({ objects }, { kind, status }, written) => {
      digest = digestOf(status);
      objects[kind].observe(written);
      digest = undefined;
    },
    isTaken: () => digest !== undefined,
    isTold: (object) => digest !== undefined && object?.status?.digest === digest,
  };
}
