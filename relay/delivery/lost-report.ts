/**
 * A report that could not be delivered: nobody is sent a report about it in turn (RFC 5321 section 6.1), so whoever
 * sent the message still believes that it went out. The platform's people should hear of it.
 */
import { bytesOf } from './content.ts';
import type { Log } from '../observe/log.ts';
import type { Content } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { PendingRecipient, QueuedMessage } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';
import { traceField } from '../tracing/trace-context.ts';

export interface LostReportOptions {
  readonly spool: Pick<Spool, 'keepReport'>;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Amazon SES and others take no empty sender. */
const MEND = 'the upstream refuses MAIL FROM:<>, the sender of reports: set `reports.from` of the class';

/** Keeps it before it leaves the spool, and says so. A full disk must not keep it in the spool for ever. */
export async function loseReport(
  queued: QueuedMessage,
  { address, last }: PendingRecipient,
  { content, upstream }: { readonly content: Content; readonly upstream: string },
  { spool, metrics, log }: LostReportOptions,
): Promise<void> {
  const { id, list, user, trace, reportOn: about = '' } = queued;
  const reply = last?.text ?? '';
  let kept: string | undefined;
  let problem: unknown;
  try {
    const bytes = await bytesOf(content);
    kept = await spool.keepReport({ id, about, sender: address, list, user, reply, content: bytes });
  } catch (error) {
    problem = error;
  }
  metrics.reportsLost.inc({ upstream });
  const isForEmptySender = last?.at === 'MAIL' && queued.envelope.from === '';
  const mend = isForEmptySender ? { mend: MEND } : {};
  const fate = kept === undefined ? { err: problem } : { kept };
  log.error(
    {
      id,
      message: about,
      sender: address,
      list,
      user,
      ...traceField(trace),
      upstream,
      reply,
      status: last?.enhanced,
      ...mend,
      ...fate,
    },
    `report could not be delivered, ${kept === undefined ? 'nor kept' : 'and is kept for people'}`,
  );
}
