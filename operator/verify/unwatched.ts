/**
 * Addresses whose objects may have been deleted and made anew while no operator was running. Nobody saw when: so the
 * time counts from when somebody last looked, and no proof outlives its object by more than the hour that it is kept.
 */
import type { MailEvidence } from '../core/mail-evidence.ts';
import { formatTime, parseTime } from '../core/time.ts';
import { afterDeparture, afterReturn } from './mail-evidence.ts';

export interface Unwatched {
  /** When an operator last ran. */
  readonly since: Date;
  /** When the oldest object was created that names the address now; undefined: none does. */
  readonly oldest: Date | undefined;
}

/** What is known by now; undefined: what was known before. */
export function afterUnwatched(evidence: MailEvidence, { since, oldest }: Unwatched): MailEvidence | undefined {
  const gone = parseTime(evidence.goneSince) ?? since;
  if (oldest === undefined) {
    return evidence.goneSince === undefined ? afterDeparture(evidence, since) : undefined;
  }
  // it was there all the time, or named the address again: nobody knows since when
  if (oldest <= gone) return undefined;
  return afterReturn({ ...evidence, goneSince: formatTime(gone) }, oldest);
}
