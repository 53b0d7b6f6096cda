/** Manifests of what was imported: lists, senders, users, and Secrets where that was asked for. */
import { API_VERSION } from '../../api/common.ts';
import type { ObjectName } from '../../api/names.ts';
import { formatYaml } from '../../manifests/format-yaml.ts';
import type { Imported, ImportedUpstream, ImportedUser } from './imported.ts';

export interface ManifestOptions {
  readonly namespace: string;
  /** Name of the list; further ones get a number. */
  readonly list: string;
  /** Secrets with the passwords that were found are among the manifests. */
  readonly withPasswords: boolean;
}

export interface Manifests {
  /** By file name, in the order in which to apply them. */
  readonly files: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectName & { readonly annotations?: object; readonly labels?: object };
  readonly [field: string]: unknown;
}

/** What credentials/own-password.ts takes. */
const PASSWORD_MIN = 12;
const PASSWORD_MAX = 512;

export function manifestsOf(imported: Imported, options: ManifestOptions): Manifests {
  const warnings = [...imported.warnings];
  const names = createNames();
  const senders = [...new Set([...imported.senders, ...imported.users.flatMap((user) => user.senders ?? [])])];
  const groups: Readonly<Record<string, readonly Manifest[]>> = {
    'lists.yaml': listsOf(imported, options, warnings),
    'senders.yaml': senders.map((sender) => senderOf(sender, options, names)),
    'users.yaml': imported.users.flatMap((user) => userOf(user, { senders, names, warnings, ...options })),
    'secrets.yaml': options.withPasswords ? secretsOf(imported, options) : [],
  };
  return {
    files: new Map(
      Object.entries(groups)
        .filter(([, manifests]) => manifests.length > 0)
        .map(([file, manifests]) => [file, manifests.map((one) => `---\n${formatYaml(one)}`).join('')]),
    ),
    warnings,
  };
}

function listsOf(
  { upstreams, messageBytes }: Imported,
  options: ManifestOptions,
  warnings: string[],
): readonly Manifest[] {
  const all: readonly (ImportedUpstream | undefined)[] = upstreams.length === 0 ? [undefined] : upstreams;
  if (upstreams.length > 1) {
    warnings.push(
      `there are ${upstreams.length} smart hosts: each has a list, and users belong to the first one, ${options.list}, unless their listRef names another`,
    );
  }
  return all.map((upstream, index) => {
    const name = listName(options, index);
    if (upstream?.username !== undefined && !options.withPasswords) {
      warnings.push(
        `the smart host ${upstream.host} needs the Secret ${options.namespace}/${upstreamSecret(name)}: --with-passwords writes it too, or create it with the keys username and password and the label smtpplus.io/upstream: "true"`,
      );
    }
    return {
      apiVersion: API_VERSION,
      kind: 'SmtpPlusList',
      metadata: {
        name,
        namespace: options.namespace,
        ...(index === 0 && { annotations: { 'smtpplus.io/default-list': 'true' } }),
      },
      spec: {
        ...(messageBytes !== undefined && { limits: { messageBytes } }),
        ...(upstream !== undefined && { upstream: upstreamSpec(upstream, name) }),
      },
    };
  });
}

function upstreamSpec({ host, port, tls, username }: ImportedUpstream, list: string): object {
  return { host, port, tls, ...(username !== undefined && { credentialsSecretRef: { name: upstreamSecret(list) } }) };
}

function listName({ list }: ManifestOptions, index: number): string {
  return index === 0 ? list : `${list}-${index + 1}`;
}

function upstreamSecret(list: string): string {
  return `${list}-upstream`;
}

function senderOf(sender: string, { namespace }: ManifestOptions, names: Names): Manifest {
  const isDomain = sender.startsWith('@');
  return {
    apiVersion: API_VERSION,
    kind: 'VerifiedSender',
    metadata: { name: names.of('VerifiedSender', sender.replace(/^@/, '').replace('@', '-at-')), namespace },
    spec: isDomain ? { domain: sender.slice(1) } : { address: sender },
  };
}

interface UserOptions extends ManifestOptions {
  /** All that are written. */
  readonly senders: readonly string[];
  readonly names: Names;
  readonly warnings: string[];
}

function userOf(user: ImportedUser, options: UserOptions): readonly Manifest[] {
  const { namespace, names, warnings, withPasswords } = options;
  const { login, active = true, senders, description } = user;
  const name = names.of('SmtpPlusUser', nameFor(user));
  const isKept = isAddressOf(login, options.senders);
  if (!isKept && login !== `${name}.${namespace}`) {
    warnings.push(
      `${login} logs in as ${name}.${namespace} from now on: user names are NAME.NAMESPACE, or an address that a sender covers`,
    );
  }
  const ownPassword = withPasswords && isUsable(user.password);
  if (user.password !== undefined && withPasswords && !ownPassword) {
    warnings.push(
      `the password of ${login} is shorter than ${PASSWORD_MIN} characters or cannot be typed, so it gets a new one, in its Secret ${name}-smtp`,
    );
  }
  if (user.password !== undefined && !withPasswords) {
    warnings.push(
      `${login} gets a new password, in its Secret ${name}-smtp: --with-passwords keeps the one that it has`,
    );
  }
  return [
    {
      apiVersion: API_VERSION,
      kind: 'SmtpPlusUser',
      metadata: { name, namespace },
      spec: {
        active,
        ...(isKept && { username: login.toLowerCase() }),
        ...(description !== undefined && { description }),
        ...(senders !== undefined && { senders }),
        ...(ownPassword && { credentials: { passwordSecretRef: { name: passwordSecret(name) } } }),
      },
    },
  ];
}

function nameFor({ login }: ImportedUser): string {
  return login.replace('@', '-at-');
}

function passwordSecret(user: string): string {
  return `${user}-password`;
}

/** Log-in names may be addresses that a sender of the namespace covers. */
function isAddressOf(login: string, senders: readonly string[]): boolean {
  const lower = login.toLowerCase();
  return lower.includes('@') && senders.some((sender) => sender === lower || lower.endsWith(sender));
}

function isUsable(password: string | undefined): boolean {
  if (password === undefined) return false;
  return password.length >= PASSWORD_MIN && password.length <= PASSWORD_MAX && !/[\x00-\x1f\x7f]/.test(password);
}

function secretsOf({ upstreams, users }: Imported, options: ManifestOptions): readonly Manifest[] {
  const names = createNames();
  const secret = (name: string, stringData: object, labels?: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: options.namespace, ...(labels !== undefined && { labels }) },
    stringData,
  });
  return [
    ...upstreams.flatMap(({ username, password }, index) =>
      username === undefined
        ? []
        : [
            secret(
              upstreamSecret(listName(options, index)),
              { username, password: password ?? '' },
              { 'smtpplus.io/upstream': 'true' },
            ),
          ],
    ),
    ...users.flatMap((user) => {
      const name = names.of('SmtpPlusUser', nameFor(user));
      return isUsable(user.password) ? [secret(passwordSecret(name), { password: user.password })] : [];
    }),
  ];
}

interface Names {
  /** A name that Kubernetes takes and nobody has: the same ones in the same order. */
  readonly of: (kind: string, wish: string) => string;
}

function createNames(): Names {
  const taken = new Set<string>();
  return {
    of: (kind, wish) => {
      const plain = wish
        .toLowerCase()
        .replaceAll(/[^a-z0-9.-]+/g, '-')
        .replaceAll(/\.+/g, '-')
        .slice(0, 200);
      const base = plain.replaceAll(/^-+|-+$/g, '') || 'unnamed';
      let name = base;
      for (let number = 2; taken.has(`${kind}/${name}`); number++) name = `${base}-${number}`;
      taken.add(`${kind}/${name}`);
      return name;
    },
  };
}
