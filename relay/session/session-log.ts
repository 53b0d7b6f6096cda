/** What the log and the metrics tell of a session: one line for each decision against a client, and for its loss. */
import type { Loss } from './lost-connection.ts';
import type { ConnectionEnd } from './smtp-connection.ts';
import type { Answer, Session, SessionServices, Stage } from './state.ts';
import type { Reply } from '../replies.ts';

/** Of those who have not logged in. */
const NO_LIST = '-';

export function noteRefusal(session: Session, answer: Answer, stage: Stage): void {
  const { log, metrics } = session.services;
  const { user, list } = whoIs(session, stage);
  const reason = answer.reason ?? 'internal';
  metrics.refusals.inc({ list, stage, reason });
  if (!mayTell(session)) return;
  const { code, enhanced, about, lines } = answer;
  const from = session.transaction?.from;
  log.info(
    { stage, reason, code, enhanced, list, user, remote: session.address, from, ...about, words: lines.join(' ') },
    'refused',
  );
}

/** Somebody was sent away before there was a session. */
export function noteTurnedAway({ log, metrics, lineLimit }: SessionServices, remote: string, reply: Reply): void {
  const { reason, code, enhanced, lines } = reply;
  metrics.refusals.inc({ list: NO_LIST, stage: 'connect', reason });
  metrics.connectionsFailed.inc({ reason });
  if (!lineLimit.allows(remote)) return;
  log.info({ stage: 'connect', reason, code, enhanced, remote, words: lines.join(' ') }, 'refused');
}

export function noteLoss(session: Session, { reason, words }: Loss, { code }: ConnectionEnd): void {
  const { log, metrics } = session.services;
  metrics.connectionsFailed.inc({ reason });
  if (words === undefined || !mayTell(session)) return;
  const { user, list } = whoIs(session, 'connect');
  log.info({ event: 'connection', reason, error: code, list, user, remote: session.address }, words);
}

/** Undefined and a dash for those who have not logged in. */
function whoIs(session: Session, stage: Stage): { readonly user: string | undefined; readonly list: string } {
  const user = session.login?.user ?? (stage === 'auth' ? session.claimedUser : undefined);
  const list = user === undefined ? undefined : session.services.config()?.users.get(user)?.list;
  return { user, list: list ?? NO_LIST };
}

function mayTell({ login, services, address }: Session): boolean {
  return login !== undefined || services.lineLimit.allows(address);
}
