/** The replies to one transaction, put together to what they mean for each of its recipients. */
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SMTPConnectionSendInfo, SMTPEnvelope, SMTPError } from 'nodemailer/lib/smtp-connection';
import type { Verdict } from '../spool/record.ts';
import type { TransportResult, TransportTransaction } from './transport.ts';
import { failed, limitIn, printable, readReply, type Place, type Reading } from './upstream-reply.ts';

/** An envelope in which nodemailer writes down what becomes of it. */
export type TrackedEnvelope = SMTPEnvelope & {
  readonly to: string[];
  readonly mailError?: SMTPError;
  readonly accepted?: string[];
  readonly rejectedErrors?: SMTPError[];
};

export interface Answers {
  /** Where `limit` is there, an answer may be one for nobody: all of them need further transactions then. */
  readonly result: TransportResult;
  /** The most recipients that the upstream takes in one transaction, where it refused some for their number. */
  readonly limit?: number | undefined;
}

/**
 * A reply about this message. 421 to a command is one about the connection (RFC 5321 section 3.8); after the content it
 * is more often one about that, and an upstream that is going down says so to the next connection as well.
 */
export function isAnswer(error: SMTPError): boolean {
  if (error.response === undefined) return false;
  return error.code === 'EMESSAGE' || (error.code === 'EENVELOPE' && error.responseCode !== 421);
}

/** To RCPT: each has its own time (RFC 5321 section 4.5.3.2), and an upstream may look up each recipient elsewhere. */
export function countAnswers({ accepted = [], rejectedErrors = [] }: TrackedEnvelope): number {
  return accepted.length + rejectedErrors.length;
}

/** Why an upstream closed: with pipelining the replies after a 421 never come, and no command is left to give it to. */
export function lastWord({ lastServerResponse }: SMTPConnection): string | undefined {
  return lastServerResponse !== false && lastServerResponse.startsWith('421') ? lastServerResponse : undefined;
}

/** A transaction that came to its end. */
export function answered(
  { isAllOrNothing = false }: TransportTransaction,
  envelope: TrackedEnvelope,
  end: SMTPError | SMTPConnectionSendInfo,
): Answers {
  const place = placeOf(end);
  const { verdict, isTooMany } = readReply(end.response ?? '', place);
  // behind a refused MAIL, pipelined RCPTs are refused only for their order
  const { refused, excess, count } = place === 'MAIL' ? NOBODY_REFUSED : refusals(envelope);
  // nobody has got what was refused after the content, so it may go to fewer at once
  const isSplit = isTooMany && place !== 'RCPT' && count > 1 && !isAllOrNothing;
  const ended = isSplit ? [] : envelope.to.filter((address) => !refused.has(address) && !excess.has(address));
  return {
    result: {
      kind: 'answered',
      verdicts: new Map([...refused, ...ended.map((address) => [address, verdict] as const)]),
      dsnPassedOn: envelope.dsn !== undefined,
    },
    limit: isSplit ? limitIn(end.response ?? '', count) : limitOf(excess, count),
  };
}

/** A transaction whose connection broke before the content was sent. */
export function brokenBefore(transaction: TransportTransaction, envelope: TrackedEnvelope, verdict: Verdict): Answers {
  const { excess, count } = refusals(envelope);
  const result = refusedForGood(transaction, envelope) ?? { kind: 'broken', verdict, wasSent: false };
  return { result, limit: limitOf(excess, count) };
}

/**
 * What was refused for good before the connection broke stays so: Postfix ends each session after 20 refusals
 * (smtpd_hard_error_limit), and would otherwise never get to hear of the recipients behind them.
 */
function refusedForGood(transaction: TransportTransaction, envelope: TrackedEnvelope): TransportResult | undefined {
  if (envelope.mailError !== undefined) {
    const { verdict } = readReply(envelope.mailError.response ?? '', 'MAIL');
    return verdict.outcome === 'failed' ? answerAll(transaction, verdict) : undefined;
  }
  const { refused, excess } = refusals(envelope);
  const verdicts = new Map([...refused].filter(([, { outcome }]) => outcome === 'failed'));
  if (transaction.isAllOrNothing === true) {
    return verdicts.size + excess.size > 0 ? answerAll(transaction, firstRefusal(envelope)) : undefined;
  }
  if (verdicts.size === 0) return undefined;
  return { kind: 'answered', verdicts, dsnPassedOn: false };
}

/** It speaks for all: none of them got the message. */
export function firstRefusal(envelope: TrackedEnvelope): Verdict {
  const { refused, excess, count } = refusals(envelope);
  const [first] = refused;
  // no matter how often it comes again: only fewer recipients would help
  if (first === undefined && excess.size > 0) {
    return { ...failed('5.5.3', `takes ${count} recipients at once and no more; send to fewer`), code: 552 };
  }
  const [address, verdict] = first ?? ['', readReply('', 'RCPT').verdict];
  return { ...verdict, text: printable(`${address}: ${verdict.text}`) };
}

export function answerAll({ recipients }: TransportTransaction, verdict: Verdict): TransportResult {
  return {
    kind: 'answered',
    verdicts: new Map(recipients.map(({ address }) => [address, verdict])),
    dsnPassedOn: false,
  };
}

interface Refusals {
  /** For what they are. */
  readonly refused: ReadonlyMap<string, Verdict>;
  /** For their number: others were taken before them. */
  readonly excess: ReadonlySet<string>;
  /** Recipients that were taken. */
  readonly count: number;
}

const NOBODY_REFUSED: Refusals = { refused: new Map(), excess: new Set(), count: 0 };

function refusals({ accepted = [], rejectedErrors = [] }: TrackedEnvelope): Refusals {
  const readings = rejectedErrors.map(
    ({ recipient = '', response = '' }) => [recipient, readReply(response, 'RCPT')] as const,
  );
  const isExcess = ({ isTooMany }: Reading) => isTooMany && accepted.length > 0;
  return {
    refused: new Map(
      readings.filter(([, one]) => !isExcess(one)).map(([address, { verdict }]) => [address, verdict] as const),
    ),
    excess: new Set(readings.filter(([, one]) => isExcess(one)).map(([address]) => address)),
    count: accepted.length,
  };
}

function limitOf(excess: ReadonlySet<string>, count: number): number | undefined {
  return excess.size > 0 ? count : undefined;
}

/** A success has no `command`. */
function placeOf(end: SMTPError | SMTPConnectionSendInfo): Place {
  if (!('command' in end) || end.code === 'EMESSAGE') return 'content';
  if (end.command === 'MAIL FROM') return 'MAIL';
  return end.command === 'RCPT TO' ? 'RCPT' : 'DATA';
}
