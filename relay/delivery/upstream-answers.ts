/** Turns the replies to one transaction into what they mean for each of its recipients. */
import type { Verdict } from '../spool/record.ts';
import type { ServerReply } from '../smtp/client/reply-parser.ts';
import type { Transcript } from '../smtp/client/transaction.ts';
import type { TransportResult, TransportTransaction } from './transport.ts';
import { deferred, failed, limitIn, type Place, readReply } from './upstream-reply.ts';
import { escaped, oneLine } from '../printable.ts';

export interface Answers {
  /** Where `limit` is there, an answer may be one for nobody: all of them need further transactions then. */
  readonly result: TransportResult;
  /** The most recipients that the upstream takes in one transaction, where it refused some for their number. */
  readonly limit?: number | undefined;
}

/** The transaction as it was sent: with the recipients that were in it. */
export function answersTo(transaction: TransportTransaction, transcript: Transcript, dsn: boolean): Answers {
  const { mail, content, data, wasSent, isCutOff, isUnreadable, broken } = transcript;
  if (isUnreadable) return { result: { kind: 'unreadable' } };
  // behind a refused MAIL, pipelined RCPTs are refused only for their order
  if (mail !== undefined && mail.code >= 300) return forAll(transaction, readReply(mail.text, 'MAIL').verdict);
  const refusals = refusalsIn(transaction, transcript);
  // a yes to content that was cut off by it is none
  if (content !== undefined && !(isCutOff && content.code < 300)) {
    return ended(transaction, refusals, { reply: content, place: 'content', dsn });
  }
  if (wasSent) return brokenFor(broken ?? 'answered before the content was through', { wasSent });
  const { refused, excess, count } = refusals;
  if (transaction.isAllOrNothing === true && refused.size + excess.size > 0) {
    return forAll(transaction, firstRefusal(refusals));
  }
  if (data !== undefined) return ended(transaction, refusals, { reply: data, place: 'DATA', dsn });
  const isAnswered = broken === undefined || isForNobody(transaction, transcript);
  // what was refused for good before the connection broke stays so: Postfix ends each session after 20 refusals
  // (smtpd_hard_error_limit), and would otherwise never get to hear of the recipients behind them
  const verdicts = isAnswered ? refused : new Map([...refused].filter(([, { outcome }]) => outcome === 'failed'));
  const limit = limitOf(excess, count);
  if (!isAnswered && verdicts.size === 0) return { ...brokenFor(broken, { wasSent }), limit };
  return { result: { kind: 'answered', verdicts, dsnPassedOn: false }, limit };
}

/** For each the same. */
export function forAll({ recipients }: TransportTransaction, verdict: Verdict): Answers {
  const verdicts = new Map(recipients.map(({ address }) => [address, verdict]));
  return { result: { kind: 'answered', verdicts, dsnPassedOn: false } };
}

function brokenFor(text: string, { wasSent }: { wasSent: boolean }): Answers {
  return { result: { kind: 'broken', verdict: deferred('4.4.2', text), wasSent } };
}

interface Refusals {
  /** For what they are. */
  readonly refused: ReadonlyMap<string, Verdict>;
  /** For their number: others were taken before them. */
  readonly excess: ReadonlySet<string>;
  /** Recipients that were taken. */
  readonly count: number;
}

function refusalsIn({ recipients }: TransportTransaction, transcript: Transcript): Refusals {
  const refused = new Map<string, Verdict>();
  const excess = new Set<string>();
  const count = transcript.recipients.filter(({ code }) => code < 300).length;
  for (const [i, { code, text }] of transcript.recipients.entries()) {
    if (code < 300) continue;
    const { address = '' } = recipients[i] ?? {};
    const { verdict, isTooMany } = readReply(text, 'RCPT');
    if (isTooMany && count > 0) excess.add(address);
    else refused.set(address, verdict);
  }
  return { refused, excess, count };
}

/** The reply stands for all recipients that were taken. */
function ended(
  { recipients, isAllOrNothing = false }: TransportTransaction,
  { refused, excess, count }: Refusals,
  { reply, place, dsn }: { readonly reply: ServerReply; readonly place: Place; readonly dsn: boolean },
): Answers {
  const { verdict, isTooMany } = readReply(reply.text, place);
  // nobody has got what was refused here, so it may go to fewer at once
  const isSplit = isTooMany && count > 1 && !isAllOrNothing;
  const verdicts = new Map(refused);
  for (const { address } of isSplit ? [] : recipients) {
    if (!refused.has(address) && !excess.has(address)) verdicts.set(address, verdict);
  }
  return {
    result: { kind: 'answered', verdicts, dsnPassedOn: dsn },
    limit: isSplit ? limitIn(reply.text, count) : limitOf(excess, count),
  };
}

/** Every recipient was refused before the connection broke. */
function isForNobody({ recipients }: TransportTransaction, { recipients: replies }: Transcript): boolean {
  return replies.length === recipients.length && replies.every(({ code }) => code >= 300);
}

/** It speaks for all: none of them got the message. */
function firstRefusal({ refused, excess, count }: Refusals): Verdict {
  const [first] = refused;
  // no matter how often it comes again: only fewer recipients would help
  if (first === undefined && excess.size > 0) {
    return { ...failed('5.5.3', `takes ${count} recipients at once and no more; send to fewer`), code: 552 };
  }
  const [address, verdict] = first ?? ['', readReply('', 'RCPT').verdict];
  return { ...verdict, text: oneLine(`${escaped(address)}: ${verdict.text}`) };
}

function limitOf(excess: ReadonlySet<string>, count: number): number | undefined {
  return excess.size > 0 ? count : undefined;
}
