/**
 * The relays' configuration as Secrets in the operator's namespace: one Secret with one key per document, so that a
 * changed user costs one small write and 100,000 users fit under the limit of 1 MiB.
 */
import { createHash } from 'node:crypto';
import { encodeValues } from '../../manifests/secrets.ts';
import { bodyOf } from '../client/answers.ts';
import { FIELD_MANAGER } from './secret.ts';
import type { KubeClient } from '../client/client.ts';
import { startReflector, type Reflector } from '../client/reflector.ts';
import { pathOf, SECRETS } from '../client/resources.ts';
import { CONFIG_LABEL } from '../cache/secret-cache.ts';
import type { SecretObject } from '../cache/views.ts';

export interface ConfigSecrets {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  readonly nameOf: (document: Pick<ConfigDocument, 'className' | 'fileName'>) => string;
  /** Whether the cluster has exactly the document with this hash. */
  readonly holds: (document: Pick<ConfigDocument, 'className' | 'fileName'>, hash: string | undefined) => boolean;
  /** Writes a document where the Secret holds another one. Resolves to whether it wrote. */
  readonly write: (document: ConfigDocument) => Promise<boolean>;
}

interface ConfigDocument {
  readonly className: string;
  /** `class.json` or `shard-NNN.json`. */
  readonly fileName: string;
  readonly text: string;
}

export interface ConfigSecretsOptions {
  readonly namespace: string;
  /** Prefix of the names of a class's Secrets. */
  readonly prefixOf: (className: string) => string;
  /** A Secret was changed or deleted, by us or by somebody else. */
  readonly onChange: (secretName: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

/** Name of the Secret of a document: `PREFIX-class`, `PREFIX-shard-000`. The chart mounts them by these names. */
function configSecretName(prefix: string, fileName: string): string {
  return `${prefix}-${fileName.replace(/\.json$/, '')}`;
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function startConfigSecrets(client: KubeClient, options: ConfigSecretsOptions): ConfigSecrets {
  const { namespace, onTrouble, signal } = options;
  /** Hashes of the documents: their text would take as much memory again as the configuration itself. */
  const reflector: Reflector<ReadonlyMap<string, string>> = startReflector(client, {
    resource: SECRETS,
    namespace,
    labelSelector: CONFIG_LABEL,
    keep: (object) => hashesOf(object as SecretObject),
    onChange: (key) => options.onChange(key.slice(namespace.length + 1)),
    onTrouble,
    signal,
  });
  const nameOf: ConfigSecrets['nameOf'] = ({ className, fileName }) =>
    configSecretName(options.prefixOf(className), fileName);
  const holds: ConfigSecrets['holds'] = (document, hash) => {
    const current = reflector.entries.get(`${namespace}/${nameOf(document)}`)?.value;
    return current?.size === 1 && current.get(document.fileName) === hash;
  };
  return {
    synced: reflector.synced,
    hasSynced: reflector.hasSynced,
    nameOf,
    holds,
    write: async (document) => {
      if (holds(document, hashOf(document.text))) return false;
      const name = nameOf(document);
      const known = reflector.entries.get(`${namespace}/${name}`);
      const body = secretOf(document, { namespace, name });
      const written = known === undefined ? await create(client, body) : await replace(client, body, known);
      reflector.observe(written);
      return true;
    },
  };
}

type SecretBody = ReturnType<typeof secretOf>;

function secretOf({ className, fileName, text }: ConfigDocument, target: { namespace: string; name: string }) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...target, labels: { [CONFIG_LABEL]: className } },
    type: 'Opaque',
    data: encodeValues({ [fileName]: text }),
  };
}

/** With POST the API server itself guarantees that nothing is taken over: without our label it is somebody else's. */
async function create(client: KubeClient, body: SecretBody): Promise<SecretObject> {
  const { namespace, name, labels } = body.metadata;
  const path = `${pathOf(SECRETS, { namespace })}?fieldManager=${FIELD_MANAGER}`;
  const answer = await client.request<SecretObject>({ method: 'POST', path, body });
  if (!answer.ok && answer.status === 409) {
    throw new Error(
      `Secret ${namespace}/${name} has no label ${CONFIG_LABEL}, so that somebody else has made it; give class ${labels[CONFIG_LABEL]} another configSecret in the settings, or delete the Secret if you are sure that nobody uses it`,
    );
  }
  return bodyOf(answer, `Secret ${namespace}/${name} cannot be written`);
}

/** Only in the version that is known. Keys that somebody has added go: pods would mount them. */
async function replace(
  client: KubeClient,
  body: SecretBody,
  known: { readonly uid: string; readonly resourceVersion: string; readonly value: ReadonlyMap<string, string> },
): Promise<SecretObject> {
  const { namespace, name, labels } = body.metadata;
  const strangers = [...known.value.keys()].filter((key) => !Object.hasOwn(body.data, key));
  const { uid, resourceVersion } = known;
  const answer = await client.request<SecretObject>({
    method: 'PATCH',
    path: `${pathOf(SECRETS, { namespace, name })}?fieldManager=${FIELD_MANAGER}`,
    contentType: 'application/merge-patch+json',
    body: {
      metadata: { uid, resourceVersion, labels },
      data: { ...body.data, ...Object.fromEntries(strangers.map((key) => [key, null])) },
    },
  });
  return bodyOf(answer, `Secret ${namespace}/${name} cannot be written`);
}

function hashesOf(object: SecretObject): ReadonlyMap<string, string> {
  const entries = Object.entries(object.data ?? {});
  return new Map(
    entries.map(([key, value]) => [key, createHash('sha256').update(Buffer.from(value, 'base64')).digest('hex')]),
  );
}
