/**
 * Two Secrets for each relay class, in the operator's own namespace. `PREFIX-tls` is what relay pods mount:
 * certificate, key, and in `ca.crt` what users are told. `PREFIX-authority` has the state of the turn-over, with the
 * key of the operator's own authority, and nobody mounts it.
 */
import { parseJson } from '../../api/plain-data.ts';
import { readState, textOf, type State } from '../../certificates/turn-over.ts';
import type { KubeClient } from '../client/client.ts';
import { startOwnSecrets, type OwnSecretsOptions, type SecretData } from './own-secrets.ts';

/** Its value is the class. */
const CERTIFICATE_LABEL = 'smtpplus.io/relay-certificate';
const STATE_KEY = 'state.json';
/** Names of the Secrets, after the prefix of the class. The chart mounts the first one by it. */
const SUFFIX = { published: 'tls', state: 'authority' } as const;
const TYPE = { published: 'kubernetes.io/tls', state: 'Opaque' } as const;

type Part = keyof typeof SUFFIX;

export interface CertificateSecrets {
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** The state as it was written last; undefined: there is none, or none that can be read. */
  readonly state: (className: string) => State | undefined;
  readonly published: (className: string) => SecretData | undefined;
  /** Writes where the cluster has something else. Rejects where it cannot, or where somebody else was faster. */
  readonly writeState: (className: string, state: State) => Promise<void>;
  readonly publish: (className: string, data: SecretData) => Promise<void>;
  /** What Events about the certificate of a class hang on. */
  readonly about: (className: string) => { readonly name: string; readonly uid: string } | undefined;
}

export interface CertificateSecretsOptions extends Omit<OwnSecretsOptions, 'label'> {
  readonly prefixOf: (className: string) => string;
}

export function startCertificateSecrets(
  client: KubeClient,
  { prefixOf, ...options }: CertificateSecretsOptions,
): CertificateSecrets {
  const own = startOwnSecrets(client, { ...options, label: CERTIFICATE_LABEL });
  const nameOf = (part: Part, className: string): string => `${prefixOf(className)}-${SUFFIX[part]}`;
  const find = (part: Part, className: string) => own.find(nameOf(part, className));
  const write = (part: Part, className: string, data: SecretData): Promise<void> =>
    own.write({ name: nameOf(part, className), labelled: className, type: TYPE[part], data });

  return {
    synced: own.synced,
    hasSynced: own.hasSynced,
    state: (className) => {
      const text = find('state', className)?.data[STATE_KEY];
      return readState(parseJson(text));
    },
    published: (className) => find('published', className)?.data,
    writeState: (className, state) => write('state', className, { [STATE_KEY]: textOf(state) }),
    publish: (className, data) => write('published', className, data),
    about: (className) => {
      const part = (['published', 'state'] as const).find((one) => find(one, className) !== undefined);
      const found = part && find(part, className);
      return part && found && { name: nameOf(part, className), uid: found.uid };
    },
  };
}
