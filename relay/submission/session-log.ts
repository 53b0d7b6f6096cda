/**
 * What the log and the metrics record about a session: one line for each decision, and for the loss of a connection.
 */
import type { Login } from './authenticate.ts';
import type { Loss } from './lost-connection.ts';
import type { UserConfig } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import { namedRecipients } from '../observe/named-recipients.ts';
import type { Reason } from '../reason.ts';
import type { Answer, Reply, Stage } from '../replies.ts';
import type { ConnectionEnd } from '../smtp/server/client-socket.ts';
import { NO_LIST } from '../observe/tenant-labels.ts';
import type { Session, SessionServices, Transaction } from './state.ts';
import { traceField, type MessageTrace } from '../tracing/trace-context.ts';
import type { Owner } from '../usage/counter.ts';

/** What is no refusal of anything that a client wanted. */
const NOTHING_REFUSED: ReadonlySet<Reason> = new Set(['conn_gave_way', 'shutdown', 'timeout']);

/** What no client can mend: people of the platform are to see it. */
const OURS: ReadonlySet<Reason> = new Set([
  'auth_unavailable',
  'disk_failed',
  'disk_full',
  'internal',
  'list_missing',
  'proxy_header',
  'proxy_untrusted',
  'queue_full',
  'too_many_files',
  'upstream_unavailable',
  'user_unusable',
]);

export function noteRefusal(session: Session, answer: Answer, stage: Stage): void {
  const { user, list } = whoIs(session, answer);
  const { reason = 'internal', about } = answer;
  const { metrics, usage } = session.services;
  metrics.refusals.inc({ list, stage, reason });
  if (!NOTHING_REFUSED.has(reason)) usage.count(ownerOf(session, user), { refused: { [reason]: 1 } });
  // a message has a line of its own, whatever becomes of it
  if (stage === 'message' || !mayTell(session)) return;
  const { id } = session.reception ?? {};
  const from = session.transaction?.from;
  const subject = { stage, id, list, user, remote: session.address, from, ...about };
  tellDecision(session.services.log, answer, subject, 'refused');
}

/** Somebody was sent away before there was a session. */
export function noteTurnedAway(services: SessionServices, remote: string, reply: Reply): void {
  const { log, metrics, usage, lineLimit } = services;
  metrics.refusals.inc({ list: NO_LIST, stage: 'connect', reason: reply.reason });
  metrics.connectionsFailed.inc({ reason: reply.reason });
  usage.count({}, { refused: { [reply.reason]: 1 } });
  if (lineLimit.allows(remote)) tellDecision(log, reply, { stage: 'connect', remote }, 'refused');
}

interface MessageFacts {
  readonly id: string;
  readonly list: string;
  readonly messageId: string | undefined;
  readonly transaction: Transaction;
  /** That it belongs to. */
  readonly trace: MessageTrace | undefined;
  readonly isTaken: boolean;
  readonly size: number;
  readonly dataMs: number;
  readonly storeMs: number;
}

/** A message that got past DATA, taken or not. */
export function noteMessage(session: Session, reply: Answer, facts: MessageFacts): void {
  const { transaction, trace, isTaken, ...others } = facts;
  const { log, metrics, usage, now } = session.services;
  const result = isTaken ? (reply.reason ?? 'accepted') : 'refused';
  metrics.messages.inc({ list: facts.list, result });
  const { user, from, recipients } = transaction;
  if (isTaken) {
    const taken = { accepted: 1, recipients: recipients.size, bytes: facts.size };
    usage.count(ownerOf(session, user), { ...taken, lastMessage: new Date(now()).toISOString() });
  }
  const tls = session.conn.tls?.protocol ?? 'none';
  const who = { user, from, ...namedRecipients([...recipients.values()]), remote: session.address };
  tellDecision(log, reply, { ...others, ...traceField(trace), ...who, tls, result }, 'message');
}

function tellDecision(log: Log, answer: Answer, subject: object, message: string): void {
  const { code, enhanced, lines, reason = 'internal' } = answer;
  const level = OURS.has(reason) ? 'warn' : 'info';
  log[level]({ ...subject, reason, code, enhanced, words: lines.join(' ') }, message);
}

export function noteLoss(session: Session, { reason, words }: Loss, { code }: ConnectionEnd): void {
  const { log, metrics } = session.services;
  metrics.connectionsFailed.inc({ reason });
  if (words === undefined || !mayTell(session)) return;
  const { user, list } = whoIs(session);
  log.info({ event: 'connection', reason, error: code, list, user, remote: session.address }, words);
}

/** Undefined and a dash for those who have not logged in, nor tried to as a user who exists. */
function whoIs(
  session: Session,
  { about }: Pick<Answer, 'about'> = {},
): { readonly user: string | undefined; readonly list: string } {
  const user = session.login?.user ?? about?.user;
  const list = user === undefined ? undefined : session.services.config()?.users.get(user)?.list;
  return { user, list: list ?? NO_LIST };
}

/** Whose it counts as. Of names that nobody has, nothing is counted: clients choose them. */
function ownerOf({ services }: Session, user: string | undefined): Owner {
  const { users, unusable } = services.config() ?? {};
  const known = user === undefined ? undefined : users?.get(user);
  return { list: known?.list, user: (known ?? unusable?.get(user ?? ''))?.object };
}

export function noteLogin(
  { services, address }: Session,
  { user: { object, list }, login, endsAt }: { user: UserConfig; login: Login; endsAt: string | undefined },
): void {
  services.usage.count({ list, user: object }, { logins: 1, lastLogin: new Date(services.now()).toISOString() });
  if (endsAt === undefined || !services.oldPasswords.isFirst(login.user)) return;
  services.log.warn(
    { event: 'credential', list, user: login.user, object, remote: address, until: endsAt },
    'logged in with a password that has been replaced: from `until` on it is refused',
  );
}

function mayTell({ login, services, address }: Session): boolean {
  return login !== undefined || services.lineLimit.allows(address);
}
