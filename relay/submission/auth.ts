/**
 * The AUTH command (RFC 4954). How a client says who it is depends on the mechanism (sasl/); whether it may log in,
 * authenticate.ts decides.
 */
import { authenticate } from './authenticate.ts';
import type { RelayConfig } from '../config/config.ts';
import { isReply, replies, type Answer, type RefusedSubject } from '../replies.ts';
import { login } from './sasl/login.ts';
import { decodeBase64, malformed, type Ask, type Credentials, type Mechanism } from './sasl/mechanism.ts';
import { plain } from './sasl/plain.ts';
import { noteLogin } from './session-log.ts';
import { mayUseClearText, type Session } from './state.ts';

/** In the order in which EHLO names them. */
export const MECHANISMS: readonly Mechanism[] = [plain, login];

export async function auth(session: Session, text: string): Promise<Answer> {
  if (!mayUseClearText(session)) return replies.tlsRequiredForAuth();
  if (session.login !== undefined) return replies.badSequence('Already authenticated');
  if (session.transaction !== undefined) return replies.badSequence('AUTH is not allowed in a mail transaction');
  const [name = '', initial, ...more] = text.split(' ');
  if (more.length > 0) return replies.badArgument('Syntax: AUTH mechanism [initial-response]');
  const mechanism = MECHANISMS.find((one) => one.name === name.toUpperCase());
  if (mechanism === undefined) return replies.authMechanism(MECHANISMS.map((one) => one.name).join(' or '));
  const credentials = await mechanism.credentials(asking(session, initial));
  const answer = 'user' in credentials ? await logIn(session, credentials) : credentials;
  // what a client breaks off, or nobody can read, was no attempt
  if ('user' in credentials || answer.code === 535) {
    session.services.metrics.authentications.inc({ mechanism: mechanism.name, result: answer.reason ?? 'accepted' });
  }
  return answer;
}

/** The first response may come with the command (`=` stands for an empty one); `*` ends the exchange. */
function asking(session: Session, initial: string | undefined): Ask {
  let ahead = initial === '' ? undefined : initial;
  return async (challenge) => {
    const line = ahead ?? (await session.challenge(Buffer.from(challenge).toString('base64')));
    const isAhead = ahead !== undefined;
    ahead = undefined;
    if (typeof line !== 'string') return line;
    if (isAhead && line === '=') return '';
    if (!isAhead && line === '*') return replies.authCancelled();
    return decodeBase64(line) ?? malformed();
  };
}

async function logIn(session: Session, credentials: Credentials): Promise<Answer> {
  const { config, limits, now, monotonicNow } = session.services;
  const result = await authenticate(credentials, {
    config: config(),
    logins: limits.logins,
    address: session.address,
    isSecure: session.conn.tls !== undefined,
    now,
    monotonicNow,
  });
  if (isReply(result)) return { ...result, about: claimed(session, credentials.user) };
  if (session.conn.isClosed) return replies.shutdown();
  const { connections: most } = result.user.limits;
  if (!(await limits.connections.enter(result.login.user, { most, relays: config()?.class.relays ?? 1 }))) {
    return { ...replies.userConnectionLimited(), about: { user: result.login.user } };
  }
  session.login = result.login;
  noteLogin(session, result);
  return { code: 235, enhanced: '2.7.0', lines: ['Authentication successful'] };
}

/** Names of nobody may be mistyped passwords, unless they have the form of a user name. */
function claimed({ services }: Session, name: string): RefusedSubject {
  if (isKnown(services.config(), name)) return { user: name };
  return { login: /[@.]/.test(name) ? name : services.log.addresses.hash(name) };
}

function isKnown(config: RelayConfig | undefined, user: string): boolean {
  return config !== undefined && (config.users.has(user) || config.unusable.has(user));
}
