/**
 * "Relayed" reports (RFC 3461 section 5.2.2) about messages that were passed on without the spool. The report itself
 * goes through the spool: by then nobody is waiting for it.
 */
import type { RelayConfig } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import type { AcceptedMessage, Content } from '../message.ts';
import type { Metrics } from '../observe/metrics.ts';
import { newRecord, type Verdict } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';
import { logWithheld, makeReport } from './bounce.ts';
import { relayed, shareOut } from './outcome.ts';

export interface RelayedReportOptions {
  /** Absent: nothing is ever spooled, and there are no reports. */
  readonly spool: Pick<Spool, 'put'> | undefined;
  readonly config: () => RelayConfig | undefined;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
}

/** The upstream has taken the message for everybody. Never throws: it has, whatever becomes of the report. */
export async function reportRelayed(
  message: AcceptedMessage,
  content: Content,
  { verdicts, dsnPassedOn }: { readonly verdicts: ReadonlyMap<string, Verdict>; readonly dsnPassedOn: boolean },
  { spool, config, metrics, log, now }: RelayedReportOptions,
): Promise<void> {
  if (spool === undefined) return;
  const queued = newRecord(message, { isFile: false });
  const judged = queued.pending.map((one) => ({ ...one, last: verdicts.get(one.address) }));
  const { reports, withheld } = shareOut(queued, [relayed(judged, dsnPassedOn)]);
  logWithheld(queued, withheld, log);
  for (const owed of reports) {
    try {
      const settings = config();
      const hostname = settings?.class.hostname ?? 'localhost';
      const from = settings?.lists.get(message.list)?.delivery.reportsFrom ?? '';
      const report = await makeReport(queued, owed, { hostname, from, now: now(), content, number: 0 });
      await spool.put(report.message, { head: Buffer.alloc(0), body: { kind: 'memory', bytes: report.bytes } });
      metrics.bounces.inc({ kind: owed.kind });
    } catch (error) {
      const { id, list, user, envelope } = message;
      log.error({ err: error, id, list, user, from: envelope.from, kind: owed.kind }, 'report could not be made');
    }
  }
}
