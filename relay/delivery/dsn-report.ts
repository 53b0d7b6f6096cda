/**
 * The text of a report: multipart/report with a part for people, one for programs (RFC 3464), and the message that it
 * is about.
 */
import { isInternational } from '../address.ts';
import { startOf } from './content.ts';
import type { Content } from '../message.ts';
import type { ReportKind, ReportedRecipient } from './outcome.ts';
import type { QueuedMessage } from '../spool/record.ts';
import { fromUtf8Xtext, fromXtext, toUtf8Xtext } from '../smtp/xtext.ts';
import { mailDate } from '../checks/trace-header.ts';
import { toQuotedPrintable } from './quoted-printable.ts';
import { oneLine } from '../printable.ts';

const SUBJECT = {
  failed: 'Undelivered mail returned to sender',
  delayed: 'Delivery of your mail is delayed',
  relayed: 'Your mail was relayed',
} as const satisfies Record<ReportKind, string>;

const EXPLANATION = {
  failed: 'Your message could not be delivered to the recipients below. It will not be tried again.',
  delayed:
    'Your message has not been delivered to the recipients below yet. You need not send it again:\r\nfurther attempts follow.',
  relayed: 'Your message was handed over for the recipients below to a server that sends no reports of success.',
} as const satisfies Record<ReportKind, string>;

/** RFC 5322 section 2.1.1. */
const LINE_MAX = 998;

export interface Report {
  readonly kind: ReportKind;
  readonly queued: QueuedMessage;
  readonly recipients: readonly ReportedRecipient[];
  readonly id: string;
  readonly hostname: string;
  /** Its envelope sender; empty: `<>`. */
  readonly from: string;
  readonly now: number;
  readonly returned: Returned;
}

/**
 * In UTF-8 (RFC 6533) to a sender whose address is international, and so who takes that. Else in ASCII, whatever it is about:
 * it must get through where the message did not.
 */
export function formatReport(report: Report): Buffer {
  const { kind, queued, id, hostname, from, now, returned } = report;
  const isGlobal = isInternational(queued.envelope.from);
  // the id is ours and occurs in no received header of the past, so the boundary cannot be forged into the content
  const boundary = `=_${id}`;
  const type = isGlobal ? 'global-delivery-status' : 'delivery-status';
  const head = [
    `Date: ${mailDate(now)}`,
    // a smart host that wants a verified envelope sender wants it here as well
    `From: Mail Delivery System <${from === '' ? `MAILER-DAEMON@${hostname}` : from}>`,
    `To: <${queued.envelope.from}>`,
    `Subject: ${SUBJECT[kind]}`,
    `Message-ID: <${id}@${hostname}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=${type};`,
    ` boundary="${boundary}"`,
    '',
    'This is a MIME-encapsulated message.',
    '',
    '',
  ];
  const parts = [
    textPart(Buffer.from(peopleText(report).join('\r\n')), { isGlobal }),
    part([`message/${type}`, ...eightBitIf(isGlobal)], Buffer.from(programText(report, { isGlobal }).join('\r\n'))),
    returnedPart(returned, { isGlobal }),
  ];
  const delimiter = Buffer.from(`--${boundary}\r\n`);
  return Buffer.concat([
    Buffer.from(head.join('\r\n')),
    ...parts.flatMap((one) => [delimiter, one]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
}

/** What goes back of the message. */
export interface Returned {
  readonly bytes: Buffer;
  readonly kind: 'message' | 'header' | 'utf8Header';
}

interface Form {
  readonly isGlobal: boolean;
}

/** The type, and how it is encoded. */
function part([type, ...encoding]: readonly [string, ...string[]], body: Buffer): Buffer {
  const fields = [`Content-Type: ${type}`, ...encoding.map((one) => `Content-Transfer-Encoding: ${one}`), '', ''];
  return Buffer.concat([Buffer.from(fields.join('\r\n')), body, Buffer.from('\r\n')]);
}

function eightBitIf(isGlobal: boolean): readonly string[] {
  return isGlobal ? ['8bit'] : [];
}

function textPart(text: Buffer, form: Form): Buffer {
  if (!text.some(isEightBit)) return part(['text/plain; charset=us-ascii'], text);
  return utf8Part('text/plain; charset=utf-8', text, form);
}

function returnedPart({ bytes, kind }: Returned, form: Form): Buffer {
  if (kind === 'utf8Header') return utf8Part('message/global-headers', bytes, form);
  return part([kind === 'message' ? 'message/rfc822' : 'text/rfc822-headers'], bytes);
}

/** As it is, or so that it gets through everywhere. */
function utf8Part(type: string, text: Buffer, { isGlobal }: Form): Buffer {
  return isGlobal ? part([type, '8bit'], text) : part([type, 'quoted-printable'], Buffer.from(toQuotedPrintable(text)));
}

function peopleText({ kind, queued, recipients, hostname }: Report): readonly string[] {
  return [
    `This is the mail system at ${hostname}.`,
    '',
    EXPLANATION[kind],
    '',
    ...recipients.flatMap(({ address, redirectedFrom, last }) => [
      line(`<${address}>:`),
      ...(redirectedFrom === undefined ? [] : [line(`    in place of ${namesOf(redirectedFrom)}`)]),
      line(`    ${last.text}`),
      '',
    ]),
    `Queue id: ${queued.id}`,
    `Received: ${mailDate(queued.receivedMs)}`,
    '',
  ];
}

const NAMED_MAX = 3;

function namesOf(addresses: readonly string[]): string {
  const named = addresses
    .slice(0, NAMED_MAX)
    .map((address) => `<${isInternational(address) ? address : oneLine(address)}>`);
  const others = addresses.length - named.length;
  return named.join(', ') + (others > 0 ? ` and ${others} more` : '');
}

function programText({ kind, queued, recipients, hostname, now }: Report, form: Form): readonly string[] {
  const envelopeId = queued.envelope.envelopeId;
  return [
    `Reporting-MTA: dns; ${hostname}`,
    ...(envelopeId === undefined ? [] : [line(`Original-Envelope-Id: ${oneLine(fromXtext(envelopeId) ?? '')}`)]),
    `Arrival-Date: ${mailDate(queued.receivedMs)}`,
    ...recipients.flatMap(({ address, originalRecipient, last }) => [
      '',
      ...(originalRecipient === undefined ? [] : [line(`Original-Recipient: ${original(originalRecipient, form)}`)]),
      line(`Final-Recipient: ${final(address, form)}`),
      `Action: ${kind}`,
      // the upstream's own class may differ: what expired was a 4yz to the last
      `Status: ${last.enhanced}`,
      line(`Diagnostic-Code: ${last.code === undefined ? 'X-SMTP-Plus' : 'smtp'}; ${last.text}`),
      `Last-Attempt-Date: ${mailDate(now)}`,
    ]),
    '',
  ];
}

/** RFC 6533 section 4: outside ASCII, as it is where that may be, else in utf-8-addr-xtext. */
function final(address: string, { isGlobal }: Form): string {
  if (!isInternational(address)) return `rfc822; ${address}`;
  return `utf-8; ${isGlobal ? address : toUtf8Xtext(address)}`;
}

/** ORCPT (`rfc822;xtext`, `utf-8;utf-8-addr-xtext`) as one line. */
function original(originalRecipient: string, { isGlobal }: Form): string {
  const [type = 'rfc822', ...parts] = originalRecipient.split(';');
  const address = parts.join(';');
  if (type.toLowerCase() === 'utf-8') return `${type}; ${(isGlobal ? fromUtf8Xtext(address) : undefined) ?? address}`;
  return oneLine(`${type}; ${fromXtext(address) ?? ''}`);
}

function line(text: string): string {
  return text.slice(0, LINE_MAX);
}

const BLANK_LINE = Buffer.from('\r\n\r\n');

/**
 * What goes back of a message: the whole where that is asked for, or its header section; never more than `maxBytes`, no
 * line begun that is not ended, and 7-bit, but for a header in UTF-8: a report that only some upstreams take would not tell of
 * the very message that came back for its 8-bit content.
 */
export async function returnedOf(
  content: Content,
  { maxBytes, isWholeAsked, isUtf8 }: { maxBytes: number; isWholeAsked: boolean; isUtf8: boolean },
): Promise<Returned> {
  const start = await startOf(content, maxBytes);
  if (isWholeAsked && !start.some(isEightBit)) return { bytes: start, kind: 'message' };
  const end = start.indexOf(BLANK_LINE);
  const header = start.subarray(0, end === -1 ? start.lastIndexOf('\r\n') + 2 : end + 2);
  if (isUtf8) return { bytes: header, kind: 'utf8Header' };
  return { bytes: Buffer.from(header.map((octet) => (isEightBit(octet) ? QUESTION_MARK : octet))), kind: 'header' };
}

const QUESTION_MARK = 0x3f;

function isEightBit(octet: number): boolean {
  return octet > 127;
}
