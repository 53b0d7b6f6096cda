/**
 * Who a client is, and how much an answer gives away: whether a password is right shows only where mail could then be
 * sent, and whether a user exists shows neither in the words nor in the time of a refusal.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isAllowedClient } from './client-address.ts';
import type { Credential, RelayConfig, UnusableUser, UserConfig } from '../config/config.ts';
import type { SharedLimits } from './limits.ts';
import { isReply, replies, type Reply } from '../replies.ts';
import type { Credentials } from './sasl/mechanism.ts';
import { findVerifier, NOBODYS_VERIFIER } from '../password-hash.ts';

/** A log-in that succeeded; `verifier` says with which of the user's credentials. */
export interface Login {
  readonly user: string;
  readonly verifier: string;
}

/** Somebody who may log in. */
interface Known {
  readonly login: Login;
  readonly user: UserConfig;
  /** The password has given way to another, and is refused from this time on. ISO 8601. */
  readonly endsAt: string | undefined;
}

interface Client {
  readonly config: RelayConfig | undefined;
  readonly logins: SharedLimits['logins'];
  readonly address: string;
  readonly isSecure: boolean;
  readonly now: () => number;
  readonly monotonicNow: () => number;
}

/**
 * Checks a user's password; a wrong one is answered late. The right one of a user whom a slip of configuration keeps from
 * sending is answered with a temporary refusal that says so, in clear text too: whoever listens has the password anyhow.
 *
 * Where the class requires TLS, a clear-text session learns nothing else. Where the class leaves it to the lists, every
 * password of a user whose list requires TLS is wrong in clear text, and from an address that the user does not allow
 * every password is wrong anywhere: with the same answer, work, delay and lock-out as a wrong one and as a name that
 * nobody has, so that neither passwords nor names can be found out.
 */
export async function authenticate(credentials: Credentials, client: Client): Promise<Known | Reply> {
  const { config } = client;
  if (config === undefined) return replies.authUnavailable();
  if (!client.isSecure && config.class.starttls !== 'Optional') return replies.tlsRequiredForAuth();
  return verify(credentials, { ...client, config });
}

async function verify(
  { user: name, password }: Credentials,
  client: Client & { config: RelayConfig },
): Promise<Known | Reply> {
  const { config, logins, address, isSecure, now, monotonicNow } = client;
  const start = monotonicNow();
  const denial = denialOf(name, client);
  let verifier: string | undefined;
  const { session: settings, relays } = config.class;
  const attempt = await logins.attempt({ user: name, address, settings, relays }, async () => {
    verifier = await findVerifier(password, validVerifiers(credentialsOf(config, name), now()));
    return verifier !== undefined && denial === undefined;
  });
  if (isReply(attempt)) return attempt;
  if (!attempt.isRight || verifier === undefined) {
    // counted from the attempt: a slow verifier (argon2id) must not tell real users from names that nobody has
    await wait(Math.max(0, start + attempt.delayMs - monotonicNow()), undefined, { ref: false });
    return failureReply(denial, { isSecure });
  }
  const login = { user: name, verifier };
  const user = userOfLogin(config, login, now());
  if (user === undefined) return unusableReply(name, config.unusable.get(name));
  if (!user.active) return replies.userInactive(name);
  if (!config.lists.has(user.list)) return replies.userUnusable(name);
  const endsAt = user.credentials.find((one) => one.verifier === verifier)?.notAfter;
  return { login, user, endsAt };
}

type Denial = 'expired' | 'tls_required' | 'client_denied' | undefined;

/** Why the user may not log in like this, whatever the password; for the log alone. */
function denialOf(name: string, { config, address, isSecure, now }: Client & { config: RelayConfig }): Denial {
  const user = config.users.get(name);
  if (user !== undefined && !isSecure && config.lists.get(user.list)?.starttls !== 'Optional') return 'tls_required';
  if (user !== undefined && isPast(user.expires, now())) return 'expired';
  const { clientCIDRs = [] } = user ?? config.unusable.get(name) ?? {};
  return isAllowedClient(address, clientCIDRs) ? undefined : 'client_denied';
}

function failureReply(denial: Denial, { isSecure }: { isSecure: boolean }): Reply {
  switch (denial) {
    case 'tls_required':
      return replies.loginNeedsTls();
    case 'expired':
      return isSecure ? replies.loginExpired() : replies.loginExpiredInClear();
    case 'client_denied':
      return isSecure ? replies.loginDenied() : replies.loginDeniedInClear();
    case undefined:
      return isSecure ? replies.authFailed() : replies.authFailedInClear();
  }
}

/**
 * The user behind a log-in under a newer configuration. Undefined where the user or the credential is gone: a rotated
 * password ends the sessions that it opened, too.
 */
export function userOfLogin(config: RelayConfig, login: Login, now: number): UserConfig | undefined {
  const user = config.users.get(login.user);
  if (user === undefined || isPast(user.expires, now)) return undefined;
  return isAmong(user.credentials, login, now) ? user : undefined;
}

/** Why a session may not go on with its log-in for now, where its user has become unusable; undefined where it is gone. */
export function whyUnusable(config: RelayConfig, login: Login, now: number): Reply | undefined {
  const unusable = config.unusable.get(login.user);
  return isAmong(unusable?.credentials, login, now) ? unusableReply(login.user, unusable) : undefined;
}

function isAmong(credentials: readonly Credential[] = [], { verifier }: Login, now: number): boolean {
  return credentials.some((credential) => credential.verifier === verifier && !isPast(credential.notAfter, now));
}

function unusableReply(name: string, unusable: UnusableUser | undefined): Reply {
  return unusable?.missingList === undefined ? replies.userUnusable(name) : replies.listMissing(unusable.missingList);
}

function credentialsOf({ users, unusable }: RelayConfig, name: string): readonly Credential[] {
  return [...(users.get(name)?.credentials ?? []), ...(unusable.get(name)?.credentials ?? [])];
}

/** Verifiers of the passwords that are valid, and one for nobody where there are none. */
function validVerifiers(credentials: readonly Credential[], now: number): readonly string[] {
  const verifiers = credentials.filter((one) => !isPast(one.notAfter, now)).map((one) => one.verifier);
  return verifiers.length === 0 ? [NOBODYS_VERIFIER] : verifiers;
}

/** @param time ISO 8601; absent: it never comes. */
function isPast(time: string | undefined, now: number): boolean {
  return time !== undefined && Date.parse(time) <= now;
}
