/** A relay class as the core sees it: its settings, and the contents of the files that they name. */
import type { OAuth2 } from '../../relay/config/config.ts';
import type { ClassView } from '../core/model.ts';
import { addressesOfLists } from './list-upstream.ts';
import type { ClassSettings, Settings } from './settings.ts';
import { readBounded } from '../manifests/walk.ts';

/** How many of a range of thousands of ports users are shown, unless the class names some. */
export const PORTS_SHOWN = 4;

/** What listens for a class, and who has signed for it. */
export interface ClassServer extends Pick<ClassView, 'ports' | 'implicitTlsPorts' | 'caCertificate'> {
  readonly runsIn: 'cluster' | 'oneProcess';
}

export interface ClassKeys extends Pick<ClassView, 'logKey' | 'pageTokenHash'> {
  /** Of the hashes in the names of counters (hex). */
  readonly counterKey: string;
}

export async function viewClass(
  settings: ClassSettings,
  { runsIn, ...server }: ClassServer,
  { counterKey, ...keys }: ClassKeys,
): Promise<ClassView> {
  const sharedCounters = await readSharedCounters(settings.sharedCounters, counterKey);
  const upstream = await readUpstream(settings.upstream);
  const listAddresses = addressesOfLists(settings.allowListUpstream, runsIn, process.env['KUBERNETES_SERVICE_HOST']);
  const { ports = server.ports, implicitTlsPorts = server.implicitTlsPorts } = settings;
  const known = { settings, upstream, listAddresses, ...keys, ...server, ports, implicitTlsPorts };
  return { ...known, ...(sharedCounters !== undefined && { sharedCounters }) };
}

/** All files of a class that are read here or beside: whoever follows them sees a password or an authority change. */
function filesOfClass({ upstream, sharedCounters }: ClassSettings): readonly string[] {
  const { caFile, passwordFile, oauth2 } = 'capture' in upstream ? {} : upstream;
  const ofCounters = [sharedCounters?.caFile, sharedCounters?.passwordFile];
  return [caFile, passwordFile, oauth2?.clientSecretFile, ...ofCounters].filter((file) => file !== undefined);
}

export function filesOfSettings({ classes }: Settings): readonly string[] {
  return Object.values(classes).flatMap(filesOfClass);
}

/** The class's own smart host with its files read, or what is wrong with them: mail waits in the spool then. */
async function readUpstream(upstream: ClassSettings['upstream']): Promise<ClassView['upstream']> {
  if ('capture' in upstream) return { kind: 'capture' };
  const { caFile, passwordFile, serverName, username, auth, helo, oauth2, ...rest } = upstream;
  const ca = await readSetting('upstream.caFile', caFile);
  const password = await readSetting('upstream.passwordFile', passwordFile);
  if ('problem' in ca) return { kind: 'unresolved', message: ca.problem };
  if ('problem' in password) return { kind: 'unresolved', message: password.problem };
  const login = await readOAuth2(oauth2);
  if ('problem' in login) return { kind: 'unresolved', message: login.problem };
  return {
    kind: 'smtp',
    ...rest,
    ...(serverName === undefined ? {} : { serverName }),
    ...(username === undefined ? {} : { username }),
    ...(auth === undefined ? {} : { auth }),
    ...(helo === undefined ? {} : { helo }),
    ...login,
    ...(ca.text === undefined ? {} : { ca: ca.text }),
    ...(password.text === undefined ? {} : { password: withoutNewline(password.text) }),
  };
}

type OAuth2Settings = Extract<ClassSettings['upstream'], { host: string }>['oauth2'];

async function readOAuth2(
  oauth2: OAuth2Settings,
): Promise<{ readonly oauth2?: OAuth2 } | { readonly problem: string }> {
  if (oauth2 === undefined) return {};
  const { tokenURL, clientID, clientSecretFile, clientAssertionFile, scope, user } = oauth2;
  const secret = await readSetting('upstream.oauth2.clientSecretFile', clientSecretFile);
  if ('problem' in secret) return secret;
  return {
    oauth2: {
      tokenUrl: tokenURL,
      clientId: clientID,
      user,
      ...(scope === undefined ? {} : { scope }),
      ...(secret.text === undefined ? {} : { clientSecret: withoutNewline(secret.text) }),
      // the token is the relay pods', and changes all the time: not ours to read
      ...(clientAssertionFile === undefined ? {} : { assertionFile: clientAssertionFile }),
    },
  };
}

/** Where relays of the class count together, with its files read, or what is wrong with them: each counts for itself then. */
async function readSharedCounters(
  settings: ClassSettings['sharedCounters'],
  hashKey: string,
): Promise<ClassView['sharedCounters']> {
  if (settings === undefined) return undefined;
  const { host, port, tls, serverName, caFile, username, passwordFile, keyPrefix, timeoutMilliseconds } = settings;
  const ca = await readSetting('sharedCounters.caFile', caFile);
  const password = await readSetting('sharedCounters.passwordFile', passwordFile);
  if ('problem' in ca) return { kind: 'unresolved', message: ca.problem };
  if ('problem' in password) return { kind: 'unresolved', message: password.problem };
  const verifiedBy = {
    ...(serverName !== undefined && { serverName }),
    ...(ca.text !== undefined && { ca: ca.text }),
  };
  return {
    kind: 'valkey',
    host,
    port,
    ...(tls === 'Implicit' && { tls: verifiedBy }),
    ...(username !== undefined && { username }),
    ...(password.text !== undefined && { password: withoutNewline(password.text) }),
    keyPrefix,
    hashKey,
    timeoutMs: timeoutMilliseconds,
  };
}

/** Editors and `echo` end a file with one that is no part of the secret. */
function withoutNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}

async function readSetting(
  setting: string,
  path: string | undefined,
): Promise<{ readonly text: string | undefined } | { readonly problem: string }> {
  if (path === undefined) return { text: undefined };
  const read = await readBounded(path);
  return 'text' in read ? read : { problem: `${setting} of the class: ${path} ${read.problem}` };
}
