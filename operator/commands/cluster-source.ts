/** What the API server of a cluster says, to whomever the kubeconfig says we are. */
import type { KindName } from '../api/kinds.ts';
import { asRecord, texts } from '../api/plain-data.ts';
import { messageOf } from '../errors.ts';
import { bodyOf, type ApiAnswer } from '../kubernetes/client/answers.ts';
import { createClient, type KubeClient } from '../kubernetes/client/client.ts';
import type { CredentialsSource } from '../kubernetes/client/credentials.ts';
import { contextOf, kubeconfigCredentials } from '../kubernetes/client/kubeconfig.ts';
import {
  KIND_RESOURCES,
  LEASES,
  pathOf,
  SECRETS,
  USERS,
  type KubeObject,
  type Resource,
} from '../kubernetes/client/resources.ts';
import { whyNoAnswer } from '../kubernetes/first-answer.ts';
import { decodeValues } from '../manifests/secrets.ts';
import { CommandError, refuseOwnPassword, type SeenObject, type Source } from './source.ts';

export interface ClusterOptions {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** Namespace of SMTP+ itself. */
  readonly installation: string;
}

export interface Cluster extends Source {
  readonly client: KubeClient;
  readonly credentials: CredentialsSource;
  readonly installation: string;
}

const PAGE_SIZE = 500;
/** Somebody is waiting for the answer. */
const ATTEMPTS = 3;
const LEASE = 'smtp-plus-operator';

export async function openCluster({ kubeconfig, context, installation }: ClusterOptions): Promise<Cluster> {
  const said = await explained(async () => ({
    credentials: await kubeconfigCredentials(kubeconfig, context),
    current: contextOf(kubeconfig, context),
  }));
  const { credentials, current } = said;
  const client = createClient(credentials);
  const { server } = await explained(() => credentials(false));
  const name = `the cluster ${current.name} (${server.origin})`;
  const ask = <T>(path: string): Promise<ApiAnswer<T>> =>
    explained(() => client.request<T>({ method: 'GET', path, attempts: ATTEMPTS }), server.origin);
  return {
    name,
    client,
    credentials,
    installation,
    objects: async (kind, namespace) => {
      const all = await listAll(ask, KIND_RESOURCES[kind], namespace);
      if (!isDenied(all)) return known(kind, bodyOf(all, `list of ${kind}`));
      if (namespace !== undefined) throw denied(kind, namespace, all.message);
      // a tenant sees its own namespace
      const own = await listAll(ask, KIND_RESOURCES[kind], current.namespace);
      if (isDenied(own)) throw denied(kind, undefined, own.message);
      return known(kind, bodyOf(own, `list of ${kind}`));
    },
    object: async (kind, object) => {
      const answer = await ask<KubeObject>(pathOf(KIND_RESOURCES[kind], object));
      if (isDenied(answer)) throw denied(kind, object.namespace, answer.message);
      return isMissing(answer) ? undefined : known(kind, [bodyOf(answer, kind)])[0];
    },
    secret: async (place) => {
      const answer = await ask<KubeObject>(pathOf(SECRETS, place));
      if (isMissing(answer)) return undefined;
      if (isDenied(answer)) throw denied('Secret', place.namespace, answer.message);
      return decodeValues(texts(asRecord(bodyOf(answer, `Secret ${place.namespace}/${place.name}`))['data']));
    },
    rotate: async (user, wish) => {
      const path = pathOf(USERS, user);
      const now = await ask<KubeObject>(path);
      if (now.ok) refuseOwnPassword(asRecord(now.body)['spec']);
      const body = { spec: { credentials: { rotation: wish } } };
      const contentType = 'application/merge-patch+json';
      const answer = await explained(
        () => client.request({ method: 'PATCH', path, contentType, body, attempts: ATTEMPTS }),
        server.origin,
      );
      if (isDenied(answer)) throw denied('changes of SmtpPlusUser', user.namespace, answer.message);
      bodyOf(answer, 'SmtpPlusUser');
      return `The trigger in the spec was changed (write it into your manifest too, if something like Argo CD would set it back)`;
    },
    warnings: () => operatorTroubles(ask, installation),
    close: client.close,
  };
}

/** Resolves to what the work gives. What keeps the API server from answering is a line for people. */
export async function explained<T>(work: () => Promise<T>, server?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const trouble = server === undefined ? undefined : whyNoAnswer(error);
    const words = trouble === undefined ? messageOf(error) : `the API server ${server} ${trouble}`;
    throw new CommandError(words, 2, { cause: error });
  }
}

type Ask = <T>(path: string) => Promise<ApiAnswer<T>>;

interface Page {
  readonly metadata?: { readonly continue?: string };
  readonly items: readonly KubeObject[];
}

async function listAll(
  ask: Ask,
  resource: Resource,
  namespace: string | undefined,
): Promise<ApiAnswer<readonly KubeObject[]>> {
  const items: KubeObject[] = [];
  for (let more = ''; ;) {
    const answer = await ask<Page>(`${pathOf(resource, { namespace })}?limit=${PAGE_SIZE}${more}`);
    if (isMissing(answer)) {
      throw new CommandError(
        'this cluster does not know the kinds of SMTP+; install it first, or choose another --context',
      );
    }
    if (!answer.ok) return answer;
    for (const item of answer.body.items) items.push(item);
    const next = answer.body.metadata?.continue;
    if (!next) return { ...answer, body: items };
    more = `&continue=${encodeURIComponent(next)}`;
  }
}

function known(kind: KindName, objects: readonly KubeObject[]): readonly SeenObject[] {
  return objects.map((object) => {
    const { namespace = '', name, generation } = object.metadata;
    return { kind, namespace, name, generation, status: asRecord(asRecord(object)['status']) };
  });
}

function isMissing(answer: ApiAnswer<unknown>): boolean {
  return !answer.ok && answer.status === 404;
}

function isDenied<T>(answer: ApiAnswer<T>): answer is Extract<ApiAnswer<T>, { ok: false }> {
  return !answer.ok && (answer.status === 403 || answer.status === 401);
}

function denied(what: string, namespace: string | undefined, message: string): CommandError {
  const where = namespace === undefined ? 'this cluster' : `the namespace ${namespace}`;
  return new CommandError(
    `you may not read ${what} in ${where}: ${message}; name a namespace of yours with --namespace, or ask for the role view (edit for Secrets)`,
  );
}

/** Without an operator, statuses are of the past. Whoever may not see its lease is told nothing. */
async function operatorTroubles(ask: Ask, installation: string): Promise<readonly string[]> {
  const answer = await ask<KubeObject>(pathOf(LEASES, { namespace: installation, name: LEASE }));
  if (isDenied(answer)) return [];
  const look = `kubectl get pods -n ${installation}`;
  if (!answer.ok) {
    return [`no operator has ever run in the namespace ${installation}; name that of SMTP+ with --installation`];
  }
  const { holderIdentity, renewTime, leaseDurationSeconds } = asRecord(asRecord(answer.body)['spec']);
  const ends = Date.parse(String(renewTime)) + Number(leaseDurationSeconds) * 1000;
  if (typeof holderIdentity === 'string' && holderIdentity !== '' && ends > Date.now()) return [];
  return [`no operator is at work, so statuses may be out of date: ${look}`];
}
