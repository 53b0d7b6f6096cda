/**
 * Two Secrets for each relay class, in the operator's namespace. `PREFIX-tls` is what relay pods mount: certificate, key, and in
 * `ca.crt` what users are told. `PREFIX-authority` has the state of the turn-over, with the key of the operator's own authority,
 * and nobody mounts it.
 */
import { parseJson } from '../../api/plain-data.ts';
import { isEqual } from '../../core/equal.ts';
import { readState, textOf, type State } from '../../certificates/turn-over.ts';
import { decodeValues, encodeValues } from '../../manifests/secrets.ts';
import type { SecretObject } from '../cache/views.ts';
import { bodyOf } from '../client/answers.ts';
import type { KubeClient } from '../client/client.ts';
import { startReflector } from '../client/reflector.ts';
import { pathOf, SECRETS } from '../client/resources.ts';
import { FIELD_MANAGER } from './secret.ts';

/** Its value is the class. */
const CERTIFICATE_LABEL = 'smtpplus.io/relay-certificate';
const STATE_KEY = 'state.json';
/** Names of the Secrets, after the prefix of the class. The chart mounts the first one by it. */
const SUFFIX = { published: 'tls', state: 'authority' } as const;
const TYPE = { published: 'kubernetes.io/tls', state: 'Opaque' } as const;

type Part = keyof typeof SUFFIX;
type Data = Readonly<Record<string, string>>;

export interface CertificateSecrets {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** The state as it was written last; undefined: there is none, or none that can be read. */
  readonly state: (className: string) => State | undefined;
  readonly published: (className: string) => Data | undefined;
  /** Writes where the cluster has something else. Rejects where it cannot, or where somebody else was faster. */
  readonly writeState: (className: string, state: State) => Promise<void>;
  readonly publish: (className: string, data: Data) => Promise<void>;
  /** What Events about the certificate of a class hang on. */
  readonly about: (className: string) => { readonly name: string; readonly uid: string } | undefined;
}

export interface CertificateSecretsOptions {
  readonly namespace: string;
  readonly prefixOf: (className: string) => string;
  readonly onChange: () => void;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
}

interface Known {
  readonly data: Data;
  /** Names of keys whose values are no text. */
  readonly strangers: readonly string[];
  readonly className: string | undefined;
}

export function startCertificateSecrets(client: KubeClient, options: CertificateSecretsOptions): CertificateSecrets {
  const { namespace, prefixOf, onTrouble, signal } = options;
  const reflector = startReflector<Known>(client, {
    resource: SECRETS,
    namespace,
    labelSelector: CERTIFICATE_LABEL,
    keep: (object) => view(object),
    onChange: options.onChange,
    onTrouble,
    signal,
  });
  const nameOf = (part: Part, className: string): string => `${prefixOf(className)}-${SUFFIX[part]}`;
  const find = (part: Part, className: string) => reflector.entries.get(`${namespace}/${nameOf(part, className)}`);

  async function write(part: Part, className: string, data: Data): Promise<void> {
    const name = nameOf(part, className);
    const known = find(part, className);
    const labels = { [CERTIFICATE_LABEL]: className };
    const target = { namespace, name };
    if (known === undefined) {
      const body = { apiVersion: 'v1', kind: 'Secret', metadata: { ...target, labels }, type: TYPE[part] };
      const path = `${pathOf(SECRETS, { namespace })}?fieldManager=${FIELD_MANAGER}`;
      const answer = await client.request<SecretObject>({
        method: 'POST',
        path,
        body: { ...body, data: encodeValues(data) },
      });
      if (!answer.ok && answer.status === 409) throw new Error(foreign(`${namespace}/${name}`));
      return reflector.observe(bodyOf(answer, `Secret ${namespace}/${name} cannot be written`));
    }
    const { uid, resourceVersion, value } = known;
    if (value.className === className && value.strangers.length === 0 && isEqual(value.data, data)) return;
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
    state: (className) => {
      const text = find('state', className)?.value.data[STATE_KEY];
      return readState(parseJson(text));
    },
    published: (className) => find('published', className)?.value.data,
    writeState: (className, state) => write('state', className, { [STATE_KEY]: textOf(state) }),
    publish: (className, data) => write('published', className, data),
    about: (className) => {
      const part = (['published', 'state'] as const).find((one) => find(one, className) !== undefined);
      const found = part && find(part, className);
      return part && found && { name: nameOf(part, className), uid: found.uid };
    },
  };
}

function view(object: SecretObject): Known {
  const data = decodeValues(object.data ?? {});
  const strangers = Object.keys(object.data ?? {}).filter((key) => !Object.hasOwn(data, key));
  return { data, strangers, className: object.metadata.labels?.[CERTIFICATE_LABEL] };
}

function foreign(secret: string): string {
  return `Secret ${secret} has no label ${CERTIFICATE_LABEL}, so that somebody else has made it; give the class another configSecret in the settings, or delete the Secret if you are sure that nobody uses it`;
}
