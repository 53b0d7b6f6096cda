/** Where the mail of a list goes: to its own smart host, with the Secrets that it names, or to the class's. */
import { formatPath, type Path } from '../../api/path.ts';
import type { ConditionReason } from '../reasons.ts';
import type { ListSpec } from '../../api/list.ts';
import type { OAuth2, UpstreamConfig } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import type { ClassView, SecretOf, SecretView } from '../model.ts';
import { objectionToHost } from './allowed-upstream.ts';
import { UPSTREAM_LABEL } from '../names.ts';
import { trimPassword } from '../credentials/trim-password.ts';

export interface UpstreamVerdict {
  readonly config: UpstreamConfig;
  /** The condition `UpstreamResolved`. */
  readonly judgement: Judgement;
}

type Upstream = NonNullable<ListSpec['upstream']>;

const CA_KEY = 'ca.crt';
const CLIENT_SECRET_KEY = 'client-secret';
/** A dozen certificates. It is in a configuration document of 1 MiB that many lists share; for public roots none is needed. */
const CA_MAX = 32 * 1024;
/** Only the shape is looked at; TLS finds out whether the certificate is any good. */
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/;
/** RFC 4954 section 4: an answer in AUTH has at most 12288 octets of base64. */
const CREDENTIAL_MAX = 4096;

/** The upstream of a list. Secrets are looked for in the list's own namespace only. */
export function judgeUpstream(
  owner: { readonly namespace: string; readonly spec: ListSpec },
  view: ClassView,
  secretOf: SecretOf,
): UpstreamVerdict {
  const { upstream } = owner.spec;
  if (upstream === undefined) return ofClass(view);
  const objection = objectionToHost(owner.spec.relayClassName, upstream, view);
  if (objection !== undefined) return unresolved('UpstreamNotAllowed', objection.message, objection.field);
  return ofList(owner.namespace, upstream, { secretOf, addresses: view.listAddresses });
}

function ofClass({ upstream }: ClassView): UpstreamVerdict {
  if (upstream.kind !== 'unresolved') {
    return { config: upstream, judgement: resolved('ClassUpstream', 'Mail goes to the upstream of the relay class.') };
  }
  // its message may tell of files of the platform owner, which is no concern of a tenant
  const message =
    'The upstream of the relay class cannot be used; the log of the operator tells the platform owner why.';
  return { config: upstream, judgement: unresolved('ClassUpstreamUnresolved', message).judgement };
}

function ofList(
  namespace: string,
  upstream: Upstream,
  { secretOf, addresses }: { readonly secretOf: SecretOf; readonly addresses: ClassView['listAddresses'] },
): UpstreamVerdict {
  const { caSecretRef, credentialsSecretRef, oauth2, ...smartHost } = upstream;
  const at = (field: Path, { name }: { readonly name: string }): NamedSecret => {
    return { field: ['spec', 'upstream', ...field], key: `${namespace}/${name}`, secret: secretOf(name) };
  };
  const ca = caSecretRef && pick(at(['caSecretRef'], caSecretRef), caSecretRef.key ?? CA_KEY, caObjection);
  const login = credentialsSecretRef && at(['credentialsSecretRef'], credentialsSecretRef);
  const client = oauth2 && at(['oauth2', 'clientSecretRef'], oauth2.clientSecretRef);
  for (const secret of [login, client]) if (secret !== undefined && !isMeant(secret)) return notMeant(secret);
  const clientKey = oauth2?.clientSecretRef.key ?? CLIENT_SECRET_KEY;
  const clientSecret = client && pick(client, clientKey, credentialObjection);
  const username = login && pick(login, 'username', credentialObjection);
  const password = login && pick(login, 'password', credentialObjection);
  for (const picked of [ca, username, password, clientSecret]) if (picked?.ok === false) return picked.verdict;
  const config: UpstreamConfig = {
    kind: 'smtp',
    ...smartHost,
    addresses,
    ...(ca?.ok && { ca: ca.value }),
    ...(username?.ok && { username: username.value }),
    ...(password?.ok && { password: password.value }),
    ...(oauth2 && clientSecret?.ok && { oauth2: oauth2Config(oauth2, clientSecret.value) }),
  };
  return { config, judgement: resolved('Resolved', `Mail goes to ${upstream.host}:${upstream.port}.`) };
}

/**
 * Whoever writes the list chooses the host, and need not be one who may read the Secret that it names. So the Secret itself says
 * that its log-in is for a smart host. Its type does not: basic-auth is what others keep their log-ins for Git and registries in.
 */
function isMeant({ secret }: NamedSecret): boolean {
  return secret === undefined || secret.labels[UPSTREAM_LABEL] === 'true';
}

function notMeant({ field, key, secret }: NamedSecret): UpstreamVerdict {
  const { namespace = '', name = '' } = secret ?? {};
  const message = `${formatPath(field)}: Secret ${key} does not say that its contents may be sent to a smart host. If they may, label it ${UPSTREAM_LABEL}: "true" (kubectl label secret ${name} --namespace ${namespace} ${UPSTREAM_LABEL}=true).`;
  return unresolved('SecretNotLabelled', message, field);
}

function oauth2Config(
  { tokenURL, clientID, scope, user }: NonNullable<Upstream['oauth2']>,
  clientSecret: string,
): OAuth2 {
  return { tokenUrl: tokenURL, clientId: clientID, clientSecret, user, ...(scope === undefined ? {} : { scope }) };
}

type Picked = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly verdict: UpstreamVerdict };

interface Objection {
  readonly reason: 'CertificateInvalid' | 'CredentialsInvalid';
  readonly message: string;
}

interface NamedSecret {
  /** Where it is named. */
  readonly field: Path;
  /** `NAMESPACE/NAME`. */
  readonly key: string;
  readonly secret: SecretView | undefined;
}

function pick(
  { field, key: secretKey, secret }: NamedSecret,
  key: string,
  objectionTo: (value: string) => Objection | undefined,
): Picked {
  const refused = (reason: ConditionReason, words: string): Picked => {
    const message = `${formatPath(field)}: Secret ${secretKey}${words}`;
    return { ok: false, verdict: unresolved(reason, message, field) };
  };
  if (secret === undefined) return refused('SecretNotFound', ' does not exist; create it.');
  const value = valueOf(secret, key);
  if (value === undefined) return refused('KeyNotFound', ` has no key ${key} with text; add it.`);
  const objection = objectionTo(value);
  if (objection === undefined) return { ok: true, value };
  return refused(objection.reason, `: key ${key} ${objection.message}`);
}

function caObjection(value: string): Objection | undefined {
  if (value.length > CA_MAX) {
    const message = `has more than ${CA_MAX} bytes; leave the CA that signed the certificate, and no others.`;
    return { reason: 'CertificateInvalid', message };
  }
  if (PEM.test(value)) return undefined;
  return { reason: 'CertificateInvalid', message: 'holds no PEM certificate; put the one of the CA there.' };
}

function credentialObjection(value: string): Objection | undefined {
  if (value.length > 0 && value.length <= CREDENTIAL_MAX && !/[\x00-\x1f\x7f]/.test(value)) return undefined;
  return { reason: 'CredentialsInvalid', message: 'is empty, too long, or holds control characters; correct it.' };
}

function valueOf(secret: SecretView, key: string): string | undefined {
  const value = Object.hasOwn(secret.data, key) ? secret.data[key] : undefined;
  return value === undefined ? undefined : trimPassword(value);
}

function resolved(reason: ConditionReason, message: string): Judgement {
  return { type: 'UpstreamResolved', status: 'True', reason, message };
}

/** Mail stays in the spool until it is mended. */
function unresolved(reason: ConditionReason, message: string, field?: Path): UpstreamVerdict {
  const judgement = { type: 'UpstreamResolved', status: 'False', reason, message } as const;
  const config = { kind: 'unresolved', message } as const;
  return { config, judgement: field === undefined ? judgement : { ...judgement, field } };
}
