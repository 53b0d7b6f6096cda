/**
 * SPF and DMARC of a verified domain: what is looked up, and what to say about each. Records that exist belong to
 * somebody, and other mail depends on them: so what to publish is said as a change to what was seen.
 */
import { durationSeconds } from '../../api/duration.ts';
import type { SenderSpec } from '../../api/sender.ts';
import { keyOf, type DnsEvidence, type ObjectMeta } from '../model.ts';
import type { DnsVerification } from './dns-verification.ts';
import { formatTime } from '../time.ts';
import { readDmarcPolicy, type DmarcPolicy } from './dmarc-policy.ts';
import { isAbout, nextLookup, touchOf } from './dns-proof.ts';
import { stateOf, whatWasSeen, type DnsRecord } from './dns-record.ts';
import type { RecordLookup } from './look-ups.ts';

export interface MailRecordsVerdict {
  readonly records: readonly DnsRecord[];
  readonly lookups: readonly RecordLookup[];
  /** What is known of each, as far as it is about what is asked for now. */
  readonly spf: DnsEvidence | undefined;
  readonly dmarc: DnsEvidence | undefined;
  readonly policy: DmarcPolicy | undefined;
}

export interface MailRecordsQuestion {
  readonly meta: ObjectMeta;
  readonly domain: string;
  readonly spec: Pick<SenderSpec, 'recheckInterval'>;
  readonly verification: DnsVerification;
  readonly evidence: Readonly<Record<string, DnsEvidence>>;
  readonly now: Date;
}

/** RFC 1035 section 2.3.4, less what stands in front of it. */
const DOMAIN_MAX = 253 - '_dmarc.'.length;

export function judgeMailRecords(question: MailRecordsQuestion): MailRecordsVerdict {
  const { domain, verification } = question;
  const { spfInclude } = verification;
  const spfLookup = spfInclude === undefined ? undefined : lookupOf(question, 'SPF', domain, spfInclude);
  const dmarcLookup =
    domain.length > DOMAIN_MAX ? undefined : lookupOf(question, 'DMARC', `_dmarc.${domain}`, 'v=DMARC1');
  const [spf, dmarc] = [evidenceOf(question, spfLookup), evidenceOf(question, dmarcLookup)];
  return {
    records: [
      spfRecord(domain, spf, spfLookup),
      ...(dmarcLookup === undefined ? [] : [dmarcRecord(dmarc, dmarcLookup)]),
    ],
    lookups: [spfLookup, dmarcLookup].flatMap((lookup) => lookup ?? []),
    spf,
    dmarc,
    policy:
      dmarc !== undefined && isInPlace(dmarc) && dmarc.seen !== undefined ? readDmarcPolicy(dmarc.seen) : undefined,
  };
}

/** It is there, as far as anybody could see since: a failed look-up changes nothing. */
export function isInPlace({ outcome, foundTime, missingSince }: DnsEvidence): boolean {
  return outcome === 'found' || (outcome === 'failed' && foundTime !== undefined && missingSince === undefined);
}

function lookupOf(
  { meta, spec, evidence, now }: MailRecordsQuestion,
  purpose: 'SPF' | 'DMARC',
  recordName: string,
  recordValue: string,
): RecordLookup {
  const id = purpose.toLowerCase();
  const touched = touchOf(meta);
  const wanted = { sender: keyOf(meta), purpose, id, recordName, recordValue };
  const known = isAbout(evidence[id], wanted) ? evidence[id] : undefined;
  const recheckSeconds = durationSeconds(spec.recheckInterval);
  // at once, where nothing is known yet
  const due = known && nextLookup({ meta, recheckSeconds, isVouchedFor: false, since: undefined }, known, now);
  return {
    ...wanted,
    due: formatTime(due ?? new Date(0)),
    ...(touched !== undefined && { touched }),
  };
}

function evidenceOf({ evidence }: MailRecordsQuestion, lookup: RecordLookup | undefined): DnsEvidence | undefined {
  const known = lookup && evidence[lookup.id];
  return lookup !== undefined && isAbout(known, lookup) ? known : undefined;
}

function spfRecord(domain: string, evidence: DnsEvidence | undefined, lookup: RecordLookup | undefined): DnsRecord {
  const record = { purpose: 'SPF', name: domain, type: 'TXT', state: stateOf(evidence) } as const;
  if (lookup === undefined) {
    const message = 'Not looked up: the platform owner has not said what the upstream needs (verification.spfInclude).';
    return { ...record, message };
  }
  const include = lookup.recordValue;
  const seen = evidence?.seen;
  if (evidence?.outcome === 'found') {
    const message = `It allows the servers of the upstream (${include}).`;
    return { ...record, ...(seen !== undefined && { value: seen }), message };
  }
  const what = whatIsWrong(evidence, lookup);
  if (evidence === undefined || evidence.outcome === 'failed') return { ...record, message: what };
  const value = evidence.outcome === 'absent' ? `v=spf1 include:${include} ~all` : withInclude(seen, include);
  const doPublish = value === undefined ? 'Correct it.' : evidence.outcome === 'absent' ? 'Publish it.' : 'Change it.';
  return { ...record, ...(value !== undefined && { value }), message: `${doPublish} ${what}` };
}

/** Room for it in what receivers take in one datagram (RFC 7208 section 3.4). */
const SPF_MAX = 450;

/** The record that is there, with one term more; undefined where that would not mend it. */
function withInclude(seen: string | undefined, include: string): string | undefined {
  if (seen === undefined || seen.toLowerCase().split(' ').includes(`include:${include.toLowerCase()}`))
    return undefined;
  const value = `v=spf1 include:${include}${seen.slice('v=spf1'.length)}`;
  return value.length > SPF_MAX ? undefined : value;
}

function dmarcRecord(evidence: DnsEvidence | undefined, lookup: RecordLookup): DnsRecord {
  const name = evidence?.seenAt ?? lookup.recordName;
  const record = { purpose: 'DMARC', name, type: 'TXT', state: stateOf(evidence) } as const;
  const seen = evidence?.seen;
  if (evidence?.outcome === 'found') {
    const inherited =
      evidence.seenAt === undefined ? '' : ` It is that of the domain above; ${lookup.recordName} has none.`;
    return { ...record, ...(seen !== undefined && { value: seen }), message: `It is there.${inherited}` };
  }
  const what = whatIsWrong(evidence, lookup);
  if (evidence?.outcome === 'absent') {
    const message = `Publish it, or one that asks for more (p=quarantine, p=reject). ${what}`;
    return { ...record, value: 'v=DMARC1; p=none', message };
  }
  return { ...record, message: evidence?.outcome === 'mismatch' ? `Correct it. ${what}` : what };
}

function whatIsWrong(evidence: DnsEvidence | undefined, { due }: RecordLookup): string {
  if (evidence?.outcome !== 'mismatch') return whatWasSeen(evidence, evidence && due);
  return `Seen at ${evidence.time}: ${evidence.detail}. Next look: ${due}.`;
}
