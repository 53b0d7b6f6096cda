/**
 * One session, from greeting to close: reads a command line, runs it, answers, and enforces the limits that hold for
 * any client, however hostile. What each command means is in commands.ts.
 */
import type { SessionSettings } from '../config/config.ts';
import { sessionSettingsSchema } from '../config/config.ts';
import { isTaken, replies, type Answer, type Reply, type Stage } from '../replies.ts';
import { type Connection, GONE } from '../smtp/server/connection.ts';
import { runCommand } from './commands.ts';
import { sourceKey } from './client-address.ts';
import type { SessionStanding } from './giving-way.ts';
import { startAfresh, type Session, type SessionServices } from './state.ts';
import { type LossReason, lossOf } from './lost-connection.ts';
import { noteLoss, noteRefusal } from './session-log.ts';

export interface SessionControl {
  /** Resolves when the connection is closed and nothing of the session is left. */
  readonly ended: Promise<void>;
  /** To be called now and then: ends a session that is past a deadline. */
  readonly checkDeadlines: () => void;
  /** Ends the session as soon as no message is under way. */
  readonly drain: () => void;
  /** Ends the session without a word; the log says why. */
  readonly abort: (reason: LossReason) => void;
  /** A message is being received or stored. */
  readonly hasMessage: () => boolean;
  readonly standing: () => SessionStanding;
  /** Ends the session at once, in favour of another; only while it is idle. */
  readonly giveWay: () => void;
}

/** While there is no configuration. */
const DEFAULT_SETTINGS: SessionSettings = sessionSettingsSchema.parse({});
/** The rate of a message counts from here on: the start may be slow. */
const RATE_GRACE_MS = 30_000;
const CONTROL = /[\x00-\x1f\x7f]/;

export function settingsOf(services: SessionServices): SessionSettings {
  return services.config()?.class.session ?? DEFAULT_SETTINGS;
}

export function startSession(
  services: SessionServices,
  { conn, address }: { conn: Connection; address: string },
): SessionControl {
  const source = sourceKey(address);
  const tally = { commands: 0, unauthenticated: 0, failed: 0 };
  let isDraining = false;
  let isOver = false;
  let hasGivenWay = false;
  let cutFor: LossReason | undefined;
  let waitingSince = services.monotonicNow();
  const session: Session = {
    services,
    conn,
    challenge,
    address,
    startedAt: services.monotonicNow(),
    helo: undefined,
    login: undefined,
    transaction: undefined,
    reception: undefined,
  };

  /** Until one side has said goodbye; false where the client is gone without. */
  async function converse(): Promise<boolean> {
    await conn.open();
    conn.reply({ code: 220, lines: [`${services.config()?.class.hostname ?? services.hostname} ESMTP`] });
    for (;;) {
      const line = isDraining ? replies.shutdown() : await nextLine();
      const { stage, answer } = typeof line === 'string' ? await run(line) : { stage: stageOf(line), answer: line };
      if (conn.isClosed || answer === GONE) return false;
      if (answer === undefined) continue;
      say(answer, stage);
      if (isLast(answer)) return true;
    }
  }

  /** The next command line, or the answer to what came in its place. */
  async function nextLine(): Promise<string | Answer> {
    waitingSince = services.monotonicNow();
    const line = await conn.readLine(settingsOf(services).commandBytes);
    if (typeof line !== 'string') return line;
    if (isOverLimit(settingsOf(services))) return replies.commandLimited();
    return CONTROL.test(line) ? replies.badLine() : line;
  }

  function challenge(prompt: string): Promise<string | Answer> {
    conn.reply({ code: 334, lines: [prompt] });
    return nextLine();
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
  async function run(line: string): Promise<{ readonly stage: Stage; readonly answer: Answer | undefined }> {
    try {
      return await runCommand(session, line);
    } catch (error) {
      // what is left of a message must not be read as commands
      return { stage: 'command', answer: { ...internal(error), close: session.reception !== undefined } };
    }
  }

  function internal(error: unknown): Reply {
    services.log.error({ err: error, remote: address }, 'session failed');
    return replies.internal();
  }

  function say(answer: Answer, commandStage: Stage): void {
    const stage = answer.stage ?? commandStage;
    if (answer.code >= 400) noteRefusal(session, answer, stage);
    if (stage === 'message' && isTaken(answer)) tally.failed = 0;
    else if (isFailure(answer, stage)) tally.failed++;
    if (isLast(answer) && answer.code >= 400) {
      services.metrics.connectionsFailed.inc({ reason: answer.reason ?? 'internal' });
    }
    session.reception = undefined;
    conn.reply(answer);
  }

  async function live(): Promise<void> {
    const isGoodbye = await converse().catch((error: unknown) => {
      internal(error);
      conn.abort();
      return false;
    });
    isOver = true;
    const end = await (hasGivenWay ? conn.closeAtOnce() : conn.close());
    if (!isGoodbye) noteLoss(session, lossOf(session, { ...end, cutFor, hadCommand: tally.commands > 0 }), end);
    services.metrics.sessions.inc({ tls: conn.tls === undefined ? 'no' : 'yes' });
    startAfresh(session);
  }

  function checkDeadlines(): void {
    if (isOver || !conn.isWaiting || !isPastDeadline(session, services, waitingSince)) return;
    // nothing can be said in the middle of a handshake
    if (conn.isUpgrading) abort('tls_timeout');
    else conn.interrupt(replies.timeout());
  }

  function abort(reason: LossReason): void {
    cutFor = reason;
    conn.abort();
  }

  return {
    ended: live(),
    checkDeadlines,
    drain() {
      isDraining = true;
      if (conn.isUpgrading) abort('shutdown');
      else if (!isOver && session.reception === undefined) conn.interrupt(replies.shutdown());
    },
    abort,
    hasMessage: () => session.reception !== undefined,
    standing: () => ({
      source,
      namespace: namespaceOf(session),
      isIdle: conn.isWaiting && !isOver && !hasGivenWay && session.transaction === undefined,
      waitingSince,
    }),
    giveWay() {
      hasGivenWay = true;
      if (conn.isUpgrading) abort('gave_way');
      else conn.interrupt(replies.gaveWay());
    },
  };
}

function namespaceOf({ login, services }: Session): string | undefined {
  if (login === undefined) return undefined;
  // a user who is gone still has its place
  return services.config()?.users.get(login.user)?.namespace ?? '';
}

/** The stage of an answer that no command asked for. */
function stageOf({ reason }: Answer): Stage {
  return reason === 'shutdown' || reason === 'conn_gave_way' ? 'connect' : 'command';
}

function isLast({ code, close }: Answer): boolean {
  return code === 421 || close === true;
}

function isPastDeadline(session: Session, services: SessionServices, waitingSince: number): boolean {
  const settings = settingsOf(services);
  const now = services.monotonicNow();
  const { reception } = session;
  if (reception !== undefined) {
    const elapsed = now - reception.startedAt;
    const isTooSlow = elapsed > RATE_GRACE_MS && (reception.octets / elapsed) * 1000 < settings.dataBytesPerSecond;
    return elapsed > settings.dataSeconds * 1000 || isTooSlow;
  }
  const age = now - session.startedAt;
  if (session.login === undefined && age > settings.unauthenticatedSeconds * 1000) return true;
  return age > settings.sessionSeconds * 1000 || now - waitingSince > settings.idleSeconds * 1000;
}

/** RFC 5321 section 4.5.3.1.10: a client names all its recipients, and then sends to those that were taken. */
const OF_ONE_RECIPIENT = new Set<Answer['reason']>([
  'too_many_recipients',
  'recipients_per_day',
  'recipient_not_allowed',
]);

function isFailure({ code, reason }: Answer, stage: Stage): boolean {
  return code >= 400 && !(stage === 'rcpt' && OF_ONE_RECIPIENT.has(reason));
}
