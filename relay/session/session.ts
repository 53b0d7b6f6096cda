/**
 * One session, from greeting to close: takes command lines, sends answers, and keeps to the limits that hold for any
 * client, however hostile. What each command means is in commands.ts.
 */
import type { SessionSettings } from '../config.ts';
import { sessionSettingsSchema } from '../config.ts';
import { formatReply, isTaken, replies, type Reply } from '../replies.ts';
import { runCommand, type Dispatch } from './commands.ts';
import { abandonTransaction, type Answer, type Session, type SessionServices, type Stage } from './state.ts';
import { type LossReason, lossOf } from './lost-connection.ts';
import { noteLoss, noteRefusal } from './session-log.ts';
import type { ConnectionEnd, ConnectionHandler, SubmissionConnection } from './smtp-connection.ts';

export interface SessionControl {
  readonly handler: ConnectionHandler;
  /** To be called now and then: ends a session that is past a deadline. */
  readonly checkDeadlines: () => void;
  /** Ends the session as soon as no message is under way. */
  readonly drain: () => void;
  /** Ends the session without a word; the log says why. */
  readonly abort: (reason: LossReason) => void;
  /** A message is being received or stored. */
  readonly hasMessage: () => boolean;
}

/** While there is no configuration. */
const DEFAULT_SETTINGS: SessionSettings = sessionSettingsSchema.parse({});
/** The rate of a message counts from here on: the start may be slow. */
const RATE_GRACE_MS = 30_000;
const CONTROL = /[\x00-\x1f\x7f]/;

export function settingsOf(services: SessionServices): SessionSettings {
  return services.config()?.class.session ?? DEFAULT_SETTINGS;
}

export function createSession(
  services: SessionServices,
  { connection, address }: { connection: () => SubmissionConnection; address: string },
): SessionControl {
  const tally = { commands: 0, unauthenticated: 0, failed: 0 };
  let busy = 0;
  let isDraining = false;
  let isEnding = false;
  let cutFor: LossReason | undefined;
  let lastActivity = services.monotonicNow();
  const session: Session = {
    services,
    respond,
    whileBusy,
    transport: {
      get tls() {
        return connection().tls;
      },
      get hasUnread() {
        return connection().hasUnread;
      },
      startTls: () => connection().startTls(),
      readData: (sink) => connection().readData(sink),
    },
    address,
    startedAt: services.monotonicNow(),
    isClosed: false,
    helo: undefined,
    login: undefined,
    exchange: undefined,
    transaction: undefined,
    reception: undefined,
  };

  async function whileBusy<T>(work: Promise<T>): Promise<T> {
    busy++;
    try {
      return await work;
    } finally {
      busy--;
      lastActivity = services.monotonicNow();
    }
  }

  function respond(answer: Answer, stage: Stage): void {
    if (session.isClosed || isEnding) return;
    if (answer.code >= 400) noteRefusal(session, answer, stage);
    if (stage === 'message' && isTaken(answer)) tally.failed = 0;
    else if (isFailure(answer, stage)) tally.failed++;
    connection().reply(formatReply(answer));
    answer.afterwards?.();
    isEnding = answer.code === 421 || answer.close === true;
    if (isEnding) endWith(answer);
    else if (isDraining && session.reception === undefined) respond(replies.shutdown(), 'connect');
  }

  function endWith(answer: Answer): void {
    if (answer.code >= 400) services.metrics.connectionsFailed.inc({ reason: answer.reason ?? 'internal' });
    connection().close();
  }

  function onLine(line: Buffer): Promise<void> | undefined {
    lastActivity = services.monotonicNow();
    const text = line.toString('latin1');
    const { stage, answer } = guard(() => run(text));
    if (!(answer instanceof Promise)) {
      respond(answer, stage);
      return undefined;
    }
    const guarded = answer.catch((error: unknown) => internal(error));
    return whileBusy(guarded).then((late) => respond(late, stage));
  }

  function run(text: string): Dispatch {
    const settings = settingsOf(services);
    if (isOverLimit(settings)) return { stage: 'command', answer: replies.commandLimited() };
    if (CONTROL.test(text)) return { stage: 'command', answer: replies.badLine() };
    const { exchange } = session;
    session.exchange = undefined;
    if (exchange !== undefined) return { stage: 'auth', answer: exchange(text) };
    return runCommand(session, text);
  }

  function isOverLimit(settings: SessionSettings): boolean {
    tally.commands++;
    if (session.login === undefined) tally.unauthenticated++;
    return (
      tally.commands > settings.commands ||
      tally.failed >= settings.failedCommands ||
      (session.login === undefined && tally.unauthenticated > settings.unauthenticatedCommands)
    );
  }

  /** Our own faults end in a 451 and a line in the log, never in a crash. */
  function guard(work: () => Dispatch): Dispatch {
    try {
      return work();
    } catch (error) {
      return { stage: 'command', answer: internal(error) };
    }
  }

  function internal(error: unknown): Reply {
    services.log.error({ err: error, remote: address }, 'session failed');
    return replies.internal();
  }

  function checkDeadlines(): void {
    if (busy > 0 || isEnding || !isPastDeadline(session, services, lastActivity)) return;
    // nothing can be said in the middle of a handshake, nor to a client that reads nothing
    if (connection().isUpgrading) abort('tls_timeout');
    else respond(replies.timeout(), session.reception === undefined ? 'command' : 'data');
  }

  function abort(reason: LossReason): void {
    cutFor = reason;
    connection().abort();
  }

  function closed(end: ConnectionEnd): void {
    if (!isEnding) noteLoss(session, lossOf(session, { ...end, cutFor, hadCommand: tally.commands > 0 }), end);
    finish(session);
  }

  return {
    handler: {
      lineMax: () => settingsOf(services).commandBytes,
      line: onLine,
      badLine: () => respond({ ...replies.badLine(), close: true }, 'command'),
      opened: () => connection().reply(`220 ${services.config()?.class.hostname ?? services.hostname} ESMTP`),
      secured: () => startAfresh(session),
      closed,
      failed: internal,
    },
    checkDeadlines,
    drain() {
      isDraining = true;
      if (busy === 0 && session.reception === undefined) respond(replies.shutdown(), 'connect');
    },
    abort,
    hasMessage: () => session.reception !== undefined,
  };
}

function isPastDeadline(session: Session, services: SessionServices, lastActivity: number): boolean {
  const settings = settingsOf(services);
  const now = services.monotonicNow();
  const { reception } = session;
  if (reception !== undefined) {
    const elapsed = now - reception.startedAt;
    const isTooSlow = elapsed > RATE_GRACE_MS && (reception.octets() / elapsed) * 1000 < settings.dataBytesPerSecond;
    return elapsed > settings.dataSeconds * 1000 || isTooSlow;
  }
  const age = now - session.startedAt;
  if (session.login === undefined && age > settings.unauthenticatedSeconds * 1000) return true;
  return age > settings.sessionSeconds * 1000 || now - lastActivity > settings.idleSeconds * 1000;
}

/** RFC 5321 section 4.5.3.1.10: a client names all its recipients, and then sends to those that were taken. */
const OF_ONE_RECIPIENT = new Set<Answer['reason']>(['too_many_recipients', 'rate_limited', 'recipient_not_allowed']);

function isFailure({ code, reason }: Answer, stage: Stage): boolean {
  return code >= 400 && !(stage === 'rcpt' && OF_ONE_RECIPIENT.has(reason));
}

/** RFC 3207 section 4.2: nothing that was said in clear text counts after the handshake. */
function startAfresh(session: Session): void {
  if (session.login !== undefined) session.services.limits.connections.leave(session.login.user);
  session.login = undefined;
  session.helo = undefined;
  session.exchange = undefined;
  abandonTransaction(session);
}

function finish(session: Session): void {
  session.isClosed = true;
  session.services.metrics.sessions.inc({ tls: session.transport.tls === undefined ? 'no' : 'yes' });
  if (session.reception?.isComplete === false) void session.reception.discard();
  startAfresh(session);
}
