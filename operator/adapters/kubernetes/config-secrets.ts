/**
 * The relay's configuration as Secrets in the operator's namespace: one Secret and one key for each document, so that a
 * changed user costs one small write and 100,000 users fit under the limit of 1 MiB.
 */
import { createHash } from 'node:crypto';
import { bodyOf } from './answers.ts';
import { FIELD_MANAGER } from './apply-secret.ts';
import type { KubeClient } from './client.ts';
import { startReflector, type Reflector } from './reflector.ts';
import { pathOf, SECRETS } from './resources.ts';
import { CONFIG_LABEL } from './secret-cache.ts';
import type { SecretObject } from './views.ts';

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
      reflector.observe(await apply(client, { ...document, namespace, name: nameOf(document) }));
      return true;
    },
  };
}

async function apply(
  client: KubeClient,
  { namespace, name, className, fileName, text }: ConfigDocument & { namespace: string; name: string },
): Promise<SecretObject> {
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name, labels: { [CONFIG_LABEL]: className } },
    type: 'Opaque',
    data: { [fileName]: Buffer.from(text).toString('base64') },
  };
  const answer = await client.request<SecretObject>({
    method: 'PATCH',
    path: `${pathOf(SECRETS, { namespace, name })}?fieldManager=${FIELD_MANAGER}&force=true`,
    contentType: 'application/apply-patch+yaml',
    body,
  });
  return bodyOf(answer, `write of Secret ${namespace}/${name} (${text.length} bytes)`);
}

function hashesOf(object: SecretObject): ReadonlyMap<string, string> {
  const entries = Object.entries(object.data ?? {});
  return new Map(
    entries.map(([key, value]) => [key, createHash('sha256').update(Buffer.from(value, 'base64')).digest('hex')]),
  );
}
