/** A way for messages to leave: what smart hosts (upstream-pool.ts) and the capture folder (capture.ts) have in common. */
import type { AcceptedMessage, Content, Envelope } from '../message.ts';
import type { PendingRecipient, Verdict } from '../spool/record.ts';

export interface TransportTransaction extends Omit<AcceptedMessage, 'envelope'> {
  readonly envelope: Omit<Envelope, 'recipients'>;
  readonly recipients: readonly PendingRecipient[];
  readonly content: Content;
  /** Attempts before this one. */
  readonly attempts: number;
  /** One refused recipient stops the message for all: nothing is sent then. */
  readonly isAllOrNothing?: boolean;
}

export type TransportResult =
  /**
   * By address, a verdict for each recipient that was tried: one at least, and all of them where `isAllOrNothing`. The
   * others need further transactions. `dsnPassedOn`: reports of success are the upstream's part.
   */
  | { readonly kind: 'answered'; readonly verdicts: ReadonlyMap<string, Verdict>; readonly dsnPassedOn: boolean }
  /** The connection broke. `wasSent`: the content was on its way, so the upstream may have it. */
  | { readonly kind: 'broken'; readonly verdict: Verdict; readonly wasSent: boolean }
  /** `isOurFault`: something here is in the way, such as a folder that cannot be written. */
  | { readonly kind: 'unreachable'; readonly verdict: Verdict; readonly isOurFault?: true }
  /** Our own copy of the content could not be read. */
  | { readonly kind: 'unreadable' };

export interface Transport {
  /** For metrics (tenant-labels.ts) and logs. */
  readonly label: string;
  /** Transactions at once. */
  limit(): number;
  /** `signal` ends it as broken. */
  deliver(transaction: TransportTransaction, signal: AbortSignal): Promise<TransportResult>;
  /**
   * Present where the limit is on open connections, which count for all processes together. Absent: the limit is for
   * each process.
   */
  readonly connections?: {
    /** Open, and in use for nothing. */
    idle(): number;
    /** Closes some of these, so that no more than this many are left. */
    closeIdle(most: number): void;
  };
  /** Called now and then. */
  sweep(now: number): void;
  /** What is under way ends as broken. */
  close(): void;
}

/** Whether people here have to mend something, where the attempt failed. */
export function isOurFault(result: TransportResult): boolean {
  return result.kind === 'unreadable' || (result.kind === 'unreachable' && result.isOurFault === true);
}
