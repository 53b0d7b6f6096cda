/**
 * Reports to the envelope sender, as messages of their own: from `<>` (or whatever the class sets, for smart hosts that
 * do not accept that), through the same list, and with an id derived from the message they are about. They enter the
 * spool in the same write that ends or changes that message, so that a crash leaves both or neither.
 */
import { isInternational } from '../address.ts';
import { formatReport, returnedOf } from './dsn-report.ts';
import type { Content } from '../message.ts';
import type { Log } from '../observe/log.ts';
import { namedRecipients } from '../observe/named-recipients.ts';
import type { OwedReport } from './outcome.ts';
import type { NewReport } from '../spool/write.ts';
import type { QueuedMessage } from '../spool/record.ts';
import { traceField } from '../tracing/trace-context.ts';

/** A whole message larger than this, or with 8-bit content, goes back as its header alone (RFC 3461 section 4.3 lets us). */
const RETURNED_MAX_BYTES = 32 * 1024;

export interface ReportOptions {
  readonly hostname: string;
  /** Sender of the report; empty: `<>`. */
  readonly from: string;
  readonly now: number;
  /** The content of the message that the report is about. */
  readonly content: Content;
  /** How many reports about the message came before. */
  readonly number: number;
}

export async function makeReport(
  queued: QueuedMessage,
  { kind, recipients }: OwedReport,
  { hostname, from, now, content, number }: ReportOptions,
): Promise<NewReport> {
  const id = `${queued.id}-r${number + 1}`;
  const isWholeAsked = kind === 'failed' && queued.envelope.ret === 'FULL' && queued.size <= RETURNED_MAX_BYTES;
  const isUtf8 = queued.envelope.hasUtf8Header === true;
  const returned = await returnedOf(content, { maxBytes: RETURNED_MAX_BYTES, isWholeAsked, isUtf8 });
  const bytes = formatReport({ kind, queued, recipients, id, hostname, from, now, returned });
  // a sender with an international address takes UTF-8; everybody else gets a report that goes by any server
  const isGlobal = isInternational(queued.envelope.from);
  return {
    bytes,
    message: {
      id,
      user: queued.user,
      namespace: queued.namespace,
      list: queued.list,
      envelope: {
        from,
        recipients: [{ address: queued.envelope.from }],
        eightBit: isGlobal,
        ...(isGlobal ? { hasUtf8Header: true } : {}),
      },
      size: bytes.length,
      received: new Date(now).toISOString(),
      reportOn: queued.id,
      ...(queued.trace === undefined ? {} : { trace: queued.trace }),
    },
  };
}

/** Nobody hears of it otherwise. */
export function logWithheld(
  { id, list, user, envelope, trace }: QueuedMessage,
  withheld: readonly OwedReport[],
  log: Pick<Log, 'warn'>,
): void {
  for (const { kind, recipients } of withheld) {
    const about = { id, list, user, ...traceField(trace) };
    log.warn({ ...about, from: envelope.from, kind, ...namedRecipients(recipients) }, 'report withheld');
  }
}
