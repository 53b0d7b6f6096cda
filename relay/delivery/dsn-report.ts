/** The text of a report: multipart/report with a part for people, one for programs (RFC 3464) and what it is about. */
import { startOf } from './content.ts';
import type { Content } from '../message.ts';
import type { ReportKind, ReportedRecipient } from './outcome.ts';
import type { QueuedMessage } from '../spool/record.ts';
import { fromXtext } from '../xtext.ts';
import { mailDate } from '../mail-date.ts';
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
  readonly returned: Buffer;
  readonly isWhole: boolean;
}

export function formatReport(report: Report): Buffer {
  const { kind, queued, id, hostname, from, now, returned, isWhole } = report;
  // the id is ours and occurs in no received header of the past, so the boundary cannot be forged into the content
  const boundary = `=_${id}`;
  const head = [
    `Date: ${mailDate(now)}`,
    // a smart host that wants a verified envelope sender wants it here as well
    `From: Mail Delivery System <${from === '' ? `MAILER-DAEMON@${hostname}` : from}>`,
    `To: <${queued.envelope.from}>`,
    `Subject: ${SUBJECT[kind]}`,
    `Message-ID: <${id}@${hostname}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    '',
    'This is a MIME-encapsulated message.',
    '',
    ...part(boundary, 'text/plain; charset=us-ascii', peopleText(report)),
    ...part(boundary, 'message/delivery-status', programText(report)),
    `--${boundary}`,
    `Content-Type: ${isWhole ? 'message/rfc822' : 'text/rfc822-headers'}`,
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(head.join('\r\n')), returned, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}

function part(boundary: string, type: string, lines: readonly string[]): readonly string[] {
  return [`--${boundary}`, `Content-Type: ${type}`, '', ...lines, ''];
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
  const named = addresses.slice(0, NAMED_MAX).map((address) => `<${oneLine(address)}>`);
  const others = addresses.length - named.length;
  return named.join(', ') + (others > 0 ? ` and ${others} more` : '');
}

function programText({ kind, queued, recipients, hostname, now }: Report): readonly string[] {
  const envelopeId = queued.envelope.envelopeId;
  return [
    `Reporting-MTA: dns; ${hostname}`,
    ...(envelopeId === undefined ? [] : [line(`Original-Envelope-Id: ${oneLine(fromXtext(envelopeId) ?? '')}`)]),
    `Arrival-Date: ${mailDate(queued.receivedMs)}`,
    ...recipients.flatMap(({ address, originalRecipient, last }) => [
      '',
      ...(originalRecipient === undefined ? [] : [line(`Original-Recipient: ${addressType(originalRecipient)}`)]),
      line(`Final-Recipient: rfc822; ${address}`),
      `Action: ${kind}`,
      // the upstream's own class may differ: what expired was a 4yz to the last
      `Status: ${last.enhanced}`,
      line(`Diagnostic-Code: ${last.code === undefined ? 'X-SMTP-Plus' : 'smtp'}; ${last.text}`),
      `Last-Attempt-Date: ${mailDate(now)}`,
    ]),
    '',
  ];
}

/** `rfc822;xtext` as one printable line. */
function addressType(originalRecipient: string): string {
  const [type = 'rfc822', ...address] = originalRecipient.split(';');
  return oneLine(`${type}; ${fromXtext(address.join(';')) ?? ''}`);
}

function line(text: string): string {
  return text.slice(0, LINE_MAX);
}

const BLANK_LINE = Buffer.from('\r\n\r\n');

/**
 * What goes back of a message: the whole where that is asked for, or its header section; never more than `maxBytes`, no
 * line begun that is not ended, and 7-bit: a report that only some upstreams take would not tell of the very message
 * that came back for its 8-bit content.
 */
export async function returnedOf(
  content: Content,
  { maxBytes, isWholeAsked }: { maxBytes: number; isWholeAsked: boolean },
): Promise<{ readonly returned: Buffer; readonly isWhole: boolean }> {
  const start = await startOf(content, maxBytes);
  if (isWholeAsked && !start.some(isEightBit)) return { returned: start, isWhole: true };
  const end = start.indexOf(BLANK_LINE);
  const header = start.subarray(0, end === -1 ? start.lastIndexOf('\r\n') + 2 : end + 2);
  return { returned: Buffer.from(header.map((octet) => (isEightBit(octet) ? QUESTION_MARK : octet))), isWhole: false };
}

const QUESTION_MARK = 0x3f;

function isEightBit(octet: number): boolean {
  return octet > 127;
}
