/**
 * Senders that the platform owner vouches for, and what becomes of one that is no longer vouched for: it goes the way
 * of a lost record, with the same grace period. That it was vouched for is remembered as evidence; a status is not
 * believed.
 */
import type { Judgement } from '../conditions.ts';
import type { ObjectMeta, Vouching } from '../model.ts';
import { after, formatTime, parseTime } from '../time.ts';
import { vouchedFor, type ExistingSenders } from './existing-senders.ts';

export interface VouchingVerdict {
  readonly state: 'vouched' | 'grace' | 'over';
  readonly judgement: Judgement;
  /** When it changes with time alone. */
  readonly until?: Date;
  /** What is to be remembered of it. */
  readonly vouching: Vouching;
}

interface Circumstances {
  readonly existing: ExistingSenders;
  /** What is remembered. */
  readonly known: Vouching | undefined;
  readonly graceSeconds: number;
  readonly now: Date;
}

/** Undefined: nobody vouches for it, and nobody ever did. */
export function judgeVouching(
  { meta, sender }: { readonly meta: ObjectMeta; readonly sender: string },
  { existing, known, graceSeconds, now }: Circumstances,
): VouchingVerdict | undefined {
  const why = vouchedFor(existing, meta, sender);
  if (why !== undefined) {
    return { state: 'vouched', judgement: verified('Grandfathered', why), vouching: { sender } };
  }
  // an object that was made anew for something else inherits nothing
  if (known?.sender !== sender) return undefined;
  const withdrawn = parseTime(known.withdrawnTime) ?? now;
  const vouching = { sender, withdrawnTime: formatTime(withdrawn) };
  const since = `The platform owner vouches for it no more, since ${formatTime(withdrawn)}`;
  const revocation = after(withdrawn, graceSeconds);
  if (revocation <= now) return { state: 'over', judgement: revoked(`${since}.`), vouching };
  const message = `${since}; mail from this sender stops at ${formatTime(revocation)}, unless it is proven until then.`;
  return { state: 'grace', judgement: verified('VouchingWithdrawn', message), until: revocation, vouching };
}

function verified(reason: 'Grandfathered' | 'VouchingWithdrawn', message: string): Judgement {
  return { type: 'Verified', status: 'True', reason, message };
}

function revoked(message: string): Judgement {
  return { type: 'Verified', status: 'False', reason: 'Revoked', message };
}
