/**
 * One mail transaction (RFC 5321 section 3.3) over a connection that is ready for MAIL. It reports what was answered;
 * what that means for the recipients is not decided here.
 *
 * The envelope leaves in one write where the server pipelines (RFC 2920). The content never does, though it might with
 * BDAT: a server that refuses BDAT without skipping its octets would run the content, which is a stranger's, as commands.
 */
import type { Capabilities } from './capabilities.ts';
import type { ServerReply } from './reply-parser.ts';
import { type MailContent, sendContent } from './send-content.ts';
import { ConnectionBroken, within, type Wire } from './wire.ts';

interface MailRecipient {
  readonly address: string;
  readonly notify?: readonly string[];
  /** In xtext. */
  readonly originalRecipient?: string;
}

export interface Mail {
  /** Empty for the null sender. */
  readonly from: string;
  readonly recipients: readonly MailRecipient[];
  readonly eightBit: boolean;
  /** Addresses or header fields are in UTF-8 (RFC 6531): for servers alone that offer it. */
  readonly smtpUtf8: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  /** In xtext. */
  readonly envelopeId?: string;
  readonly content: MailContent;
  /** Octets of the content. */
  readonly size: number;
  /** One refused recipient stops it: no content is sent then. */
  readonly isAllOrNothing: boolean;
}

export interface ServerSession {
  readonly wire: Wire;
  readonly capabilities: Capabilities;
  /** Seconds for the answer to a command, and for the content with its answer. */
  readonly times: { readonly command: number; readonly content: number };
  /** A transaction before this one left something behind. */
  readonly needsReset: boolean;
}

/** What was answered, as far as it came. */
export interface Transcript {
  readonly mail?: ServerReply;
  /** In the order of the recipients. */
  readonly recipients: readonly ServerReply[];
  /** To DATA, where it was no go-ahead to content that could have been sent. */
  readonly data?: ServerReply;
  readonly content?: ServerReply;
  /** The content was on its way, so the server may have it. */
  readonly wasSent: boolean;
  /** The answer came before the content was through. */
  readonly isCutOff: boolean;
  /** Our own copy of the content could not be read. */
  readonly isUnreadable: boolean;
  /** Why the connection is of no more use. */
  readonly broken?: string;
}

type Draft = { -readonly [K in keyof Transcript]: Transcript[K] } & { recipients: ServerReply[] };

export async function transact(session: ServerSession, mail: Mail): Promise<Transcript> {
  const draft: Draft = { recipients: [], wasSent: false, isCutOff: false, isUnreadable: false };
  try {
    if (await sayEnvelope(session, mail, draft)) await sayContent(session, mail, draft);
  } catch (error) {
    if (!(error instanceof ConnectionBroken)) throw error;
    draft.broken = error.message;
  }
  return draft;
}

/** Whether the content may follow. */
async function sayEnvelope(session: ServerSession, mail: Mail, draft: Draft): Promise<boolean> {
  const { wire, capabilities, needsReset } = session;
  // with several recipients, of whom each must be taken, DATA waits for them: there is no way back from its go-ahead
  const isDataAhead = !capabilities.chunking && !(mail.isAllOrNothing && mail.recipients.length > 1);
  const ask = askInTurn(session, commandsFor(session, mail), isDataAhead);
  if (needsReset && !isYes(await ask())) giveUp(wire, 'RSET failed');
  draft.mail = await ask();
  if (!isYes(draft.mail) && !capabilities.pipelining) return false;
  for (const _ of mail.recipients) draft.recipients.push(await ask());
  const taken = isYes(draft.mail) ? draft.recipients.filter(isYes).length : 0;
  const isWanted = taken > 0 && !(mail.isAllOrNothing && taken < mail.recipients.length);
  if (capabilities.chunking) return isWanted;
  if (!isWanted && !(capabilities.pipelining && isDataAhead)) return false;
  const data = await ask();
  // such a server would run each line of the content as a command
  if (isYes(data)) giveUp(wire, 'no 354 to DATA');
  if (data.code >= 400) {
    wire.expectFewer(1);
    if (isWanted) draft.data = data;
    return false;
  }
  // RFC 2920 section 3.1 wants a lone dot now; closing makes no empty message of it
  if (!isWanted) giveUp(wire, 'go-ahead without a recipient');
  return true;
}

function commandsFor({ capabilities, needsReset }: ServerSession, mail: Mail): readonly string[] {
  return [
    ...(needsReset ? ['RSET'] : []),
    mailCommand(mail, capabilities),
    ...mail.recipients.map((recipient) => recipientCommand(recipient, capabilities)),
    ...(capabilities.chunking ? [] : ['DATA']),
  ];
}

/** Each call gives the reply to the next command, which is said by then, or was ahead with all others. */
function askInTurn(
  { wire, capabilities, times }: ServerSession,
  commands: readonly string[],
  isDataAhead: boolean,
): () => Promise<ServerReply> {
  const isLater = (command: string): boolean => !capabilities.pipelining || (command === 'DATA' && !isDataAhead);
  const ahead = commands.filter((command) => !isLater(command));
  if (ahead.length > 0) wire.write([linesOf(ahead)], answersTo(ahead));
  let next = 0;
  return async () => {
    const command = commands[next++] ?? '';
    if (isLater(command)) wire.write([linesOf([command])], answersTo([command]));
    const reply = await wire.readReply(within(times.command));
    // no word about the message: the server ends the session (RFC 5321 section 3.8)
    return reply.code === 421 ? giveUp(wire, reply.text) : reply;
  };
}

/** DATA has two: the second is due after the content, and may come as early as the first. */
function answersTo(commands: readonly string[]): number {
  return commands.length + (commands.at(-1) === 'DATA' ? 1 : 0);
}

function linesOf(commands: readonly string[]): string {
  const lines = commands.map((command) => `${command}\r\n`).join('');
  // addresses were checked when they came; one that could add a command is a fault of ours, and must not get out
  if (lines.split(/[\r\n\0]+/).length !== commands.length + 1) throw new Error('a command with a line end in it');
  return lines;
}

async function sayContent({ wire, capabilities, times }: ServerSession, mail: Mail, draft: Draft): Promise<void> {
  const deadline = within(times.content, 'timed out after the content');
  draft.wasSent = true;
  const sentAs = await sendContent(wire, mail, { isChunked: capabilities.chunking, deadline });
  if (sentAs === 'unreadable') {
    draft.isUnreadable = true;
    giveUp(wire, 'content could not be read');
  }
  draft.content = await wire.readReply(deadline);
  draft.isCutOff = sentAs === 'answered';
  if (draft.isCutOff) wire.breakOff('answered before the content was through');
  // here it is more often about the content; a server that is going down says so to the next connection as well
  if (draft.content.code === 421) wire.breakOff(draft.content.text);
}

function mailCommand({ from, size, eightBit, smtpUtf8, ret, envelopeId }: Mail, capabilities: Capabilities): string {
  return [
    `MAIL FROM:<${from}>`,
    ...(eightBit && capabilities.eightBitMime ? ['BODY=8BITMIME'] : []),
    ...(smtpUtf8 ? ['SMTPUTF8'] : []),
    ...(capabilities.size ? [`SIZE=${size}`] : []),
    ...(capabilities.dsn && ret !== undefined ? [`RET=${ret}`] : []),
    ...(capabilities.dsn && envelopeId !== undefined ? [`ENVID=${envelopeId}`] : []),
  ].join(' ');
}

function recipientCommand({ address, notify, originalRecipient }: MailRecipient, { dsn }: Capabilities): string {
  return [
    `RCPT TO:<${address}>`,
    ...(dsn && notify !== undefined ? [`NOTIFY=${notify.join(',')}`] : []),
    ...(dsn && originalRecipient !== undefined ? [`ORCPT=${originalRecipient}`] : []),
  ].join(' ');
}

function isYes({ code }: ServerReply): boolean {
  return code < 300;
}

function giveUp(wire: Wire, reason: string): never {
  wire.breakOff(reason);
  throw new ConnectionBroken(reason);
}
