/**
 * Secrets in the operator's own namespace that belong to it as a whole, which a label says: created with POST, so that
 * none is taken over, and from then on patched only in the version that is known. Keys that somebody has added are
 * removed: pods would mount them.
 */
import { isEqual } from '../../core/equal.ts';
import { decodeValues, encodeValues } from '../../manifests/secrets.ts';
import type { SecretObject } from '../cache/views.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startReflector } from '../client/reflector.ts';
import { pathOf, SECRETS } from '../client/resources.ts';
import { FIELD_MANAGER } from './secret.ts';

export type SecretData = Readonly<Record<string, string>>;

export interface OwnSecrets {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  readonly find: (name: string) => { readonly data: SecretData; readonly uid: string } | undefined;
  /** Writes where the cluster has something else. Rejects where it cannot, or where somebody else was faster. */
  readonly write: (secret: OwnSecret) => Promise<void>;
}

interface OwnSecret {
  readonly name: string;
  /** Value of the label: what it is for. */
  readonly labelled: string;
  readonly type: string;
  readonly data: SecretData;
}

export interface OwnSecretsOptions {
  readonly namespace: string;
  readonly label: string;
  readonly onChange: () => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

interface Known {
  readonly data: SecretData;
  /** Names of keys whose values are no text. */
  readonly strangers: readonly string[];
  readonly labelled: string | undefined;
}

export function startOwnSecrets(client: KubeClient, { label, ...options }: OwnSecretsOptions): OwnSecrets {
  const { namespace, onTrouble, signal } = options;
  const reflector = startReflector<Known>(client, {
    resource: SECRETS,
    namespace,
    labelSelector: label,
    keep: (object) => view(object, label),
    onChange: options.onChange,
    onTrouble,
    signal,
  });

  async function write({ name, labelled, type, data }: OwnSecret): Promise<void> {
    const target = { namespace, name };
    const known = reflector.entries.get(`${namespace}/${name}`);
    const labels = { [label]: labelled };
    if (known === undefined) {
      const body = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { ...target, labels },
        type,
        data: encodeValues(data),
      };
      const path = `${pathOf(SECRETS, { namespace })}?fieldManager=${FIELD_MANAGER}`;
      const answer = await client.request<SecretObject>({ method: 'POST', path, body });
      if (!answer.ok && answer.status === 409) throw new Error(foreign(`${namespace}/${name}`, label));
      return reflector.observe(bodyOf(answer, `Secret ${namespace}/${name} cannot be written`));
    }
    const { uid, resourceVersion, value } = known;
    if (value.labelled === labelled && value.strangers.length === 0 && isEqual(value.data, data)) return;
    const gone = [...Object.keys(value.data), ...value.strangers].filter((key) => !Object.hasOwn(data, key));
    const answer = await client.request<SecretObject>({
      method: 'PATCH',
      path: `${pathOf(SECRETS, target)}?fieldManager=${FIELD_MANAGER}`,
      contentType: 'application/merge-patch+json',
      body: {
        metadata: { uid, resourceVersion, labels },
        data: { ...encodeValues(data), ...Object.fromEntries(gone.map((key) => [key, null])) },
      },
    });
    reflector.observe(bodyOf(answer, `Secret ${namespace}/${name} cannot be written`));
  }

  return {
    synced: reflector.synced,
    hasSynced: reflector.hasSynced,
    find: (name) => {
      const known = reflector.entries.get(`${namespace}/${name}`);
      return known && { data: known.value.data, uid: known.uid };
    },
    write,
  };
}

function view(object: SecretObject, label: string): Known {
  const data = decodeValues(object.data ?? {});
  const strangers = Object.keys(object.data ?? {}).filter((key) => !Object.hasOwn(data, key));
  return { data, strangers, labelled: object.metadata.labels?.[label] };
}

function foreign(secret: string, label: string): string {
  return `Secret ${secret} has no label ${label}, so that somebody else has made it; give the class another configSecret in the settings, or delete the Secret if you are sure that nobody uses it`;
}
