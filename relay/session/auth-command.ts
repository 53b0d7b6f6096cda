/** The AUTH command (RFC 4954): mechanisms PLAIN and LOGIN, with their exchanges of lines. */
import { authenticate } from './authenticate.ts';
import type { RelayConfig } from '../config.ts';
import { replies, type Reply } from '../replies.ts';
import { type Credentials, decodeBase64, isUserName, parsePlain } from './sasl.ts';
import type { Answer, Session, Subject } from './state.ts';

type Mechanism = 'PLAIN' | 'LOGIN';
type Exchange = (line: string) => Answer | Promise<Answer>;

/** Prompts of LOGIN, which no RFC defines: `Username:` and `Password:`. */
const USERNAME_PROMPT = 'VXNlcm5hbWU6';
const PASSWORD_PROMPT = 'UGFzc3dvcmQ6';
const MALFORMED = 'Authentication exchange is malformed';

export function auth(session: Session, text: string): Answer | Promise<Answer> {
  const config = session.services.config();
  if (session.transport.tls === undefined && config?.class.starttls !== 'Optional') {
    return replies.tlsRequiredForAuth();
  }
  if (session.login !== undefined) return replies.badSequence('Already authenticated');
  if (session.transaction !== undefined) return replies.badSequence('AUTH is not allowed in a mail transaction');
  const [name = '', initial, ...more] = text.split(' ');
  if (more.length > 0) return replies.badArgument('Syntax: AUTH mechanism [initial-response]');
  switch (name.toUpperCase()) {
    case 'PLAIN':
      return begin(session, '', initial, (line) => plain(session, line));
    case 'LOGIN':
      return begin(session, USERNAME_PROMPT, initial, (line) => loginUser(session, line));
    default:
      return replies.authMechanism();
  }
}

/** The first step: with the initial response where there is one (`=` stands for an empty one), else after a prompt. */
function begin(
  session: Session,
  prompt: string,
  initial: string | undefined,
  step: Exchange,
): Answer | Promise<Answer> {
  return initial === undefined || initial === ''
    ? challenge(session, prompt, step)
    : step(initial === '=' ? '' : initial);
}

function challenge(session: Session, prompt: string, step: Exchange): Answer {
  session.exchange = (line) => (line === '*' ? replies.authCancelled() : step(line));
  return { code: 334, lines: [prompt] };
}

function plain(session: Session, line: string): Answer | Promise<Answer> {
  const message = decodeBase64(line);
  const credentials = message === undefined ? 'malformed' : parsePlain(message);
  if (credentials === 'malformed') return replies.badArgument(MALFORMED);
  if (credentials === 'other-identity') return refused(session, 'PLAIN', replies.authIdentity());
  return logIn(session, 'PLAIN', credentials);
}

function loginUser(session: Session, line: string): Answer {
  const user = decodeBase64(line);
  if (user === undefined || !isUserName(user)) return replies.badArgument(MALFORMED);
  return challenge(session, PASSWORD_PROMPT, (next) => {
    const password = decodeBase64(next);
    if (password === undefined || password === '') return replies.badArgument(MALFORMED);
    return logIn(session, 'LOGIN', { user, password });
  });
}

async function logIn(session: Session, mechanism: Mechanism, credentials: Credentials): Promise<Answer> {
  const { config, limits, metrics, now, monotonicNow } = session.services;
  const result = await authenticate(credentials, {
    config: config(),
    logins: limits.logins,
    address: session.address,
    isSecure: session.transport.tls !== undefined,
    now,
    monotonicNow,
  });
  if (result.verdict === 'refuse') {
    return { ...refused(session, mechanism, result.reply), about: claimed(session, credentials.user) };
  }
  if (session.isClosed) return replies.shutdown();
  if (!limits.connections.enter(result.login.user, result.user.limits.connections)) {
    return { ...refused(session, mechanism, replies.connectionLimited()), about: { user: result.login.user } };
  }
  session.login = result.login;
  metrics.authentications.inc({ mechanism, result: 'accepted' });
  return { code: 235, enhanced: '2.7.0', lines: ['Authentication successful'] };
}

/** Names of nobody may be mistyped passwords, unless they have the form of a user name. */
function claimed({ services }: Session, name: string): Subject {
  if (isKnown(services.config(), name)) return { user: name };
  return { login: /[@.]/.test(name) ? name : services.log.addresses.hash(name) };
}

function isKnown(config: RelayConfig | undefined, user: string): boolean {
  return config !== undefined && (config.users.has(user) || config.unusable.has(user));
}

function refused(session: Session, mechanism: Mechanism, reply: Reply): Reply {
  session.services.metrics.authentications.inc({ mechanism, result: reply.reason });
  return reply;
}
