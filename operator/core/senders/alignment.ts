/**
 * Whether receivers will believe that mail sent by these relays comes from its domain: DMARC wants a signature, or an
 * SPF record, that speaks for the domain in the From header.
 */
import type { Judgement } from '../conditions.ts';
import type { DnsEvidence } from '../model.ts';
import type { DmarcPolicy } from './dmarc-policy.ts';
import { isInPlace, type MailRecordsVerdict } from './mail-records.ts';

interface Circumstances extends Pick<MailRecordsVerdict, 'spf' | 'dmarc' | 'policy'> {
  readonly domain: string;
  readonly includeSubdomains: boolean;
  readonly isSigned: boolean;
  /** Whether anybody has said what the upstream needs. */
  readonly isSpfKnown: boolean;
}

export function judgeAlignment(circumstances: Circumstances): Judgement {
  const { domain, isSigned, spf, isSpfKnown, policy } = circumstances;
  const isAllowed = spf !== undefined && isInPlace(spf);
  if (isSigned) {
    const bySpf = isAllowed ? ', and its SPF record allows the upstream' : '';
    const signed = `Mail from ${domain} passes DMARC: it is signed for this domain${bySpf}.`;
    return aligned(`${signed}${subdomains(circumstances)}${noRecord(circumstances)}`);
  }
  if (isAllowed) {
    const where = policy?.isSpfStrict === true ? `of ${domain} itself` : `of ${domain} or a subdomain`;
    const how = `its SPF record allows the upstream. That takes an envelope sender ${where}, which the upstream must not replace`;
    const advice = 'and whoever forwards the mail breaks it; with spec.dkim.signing: Enabled it is signed, too';
    return aligned(`Mail from ${domain} passes DMARC by SPF alone: ${how}, ${advice}.${noRecord(circumstances)}`);
  }
  const why = `it is not signed (spec.dkim), and ${whyNotAllowed(spf, isSpfKnown)}`;
  if (!isSpfKnown || spf === undefined || spf.outcome === 'failed') {
    const message = `Whether mail from ${domain} passes DMARC is not known: ${why}.`;
    return { type: 'Aligned', status: 'Unknown', reason: 'AlignmentUnknown', message };
  }
  const unless = `Mail from ${domain} does not pass DMARC unless the application has signed it: ${why}.`;
  return { type: 'Aligned', status: 'False', reason: 'NotAligned', message: `${unless} ${consequence(circumstances)}` };
}

function aligned(message: string): Judgement {
  return { type: 'Aligned', status: 'True', reason: 'Aligned', message };
}

/** `d=` is the verified domain: with strict alignment it does not speak for those below. */
function subdomains({ domain, includeSubdomains, policy }: Circumstances): string {
  if (!includeSubdomains || policy?.isDkimStrict !== true) return '';
  return ` Mail from below ${domain} does not pass by the signature, since the DMARC record wants the very same domain (adkim=s).`;
}

function noRecord({ dmarc }: Circumstances): string {
  return dmarc?.outcome === 'absent'
    ? ' Receivers look at that once there is a DMARC record, and there is none yet.'
    : '';
}

function whyNotAllowed(spf: DnsEvidence | undefined, isSpfKnown: boolean): string {
  if (!isSpfKnown) return 'the platform owner has not said what the upstream needs of SPF (verification.spfInclude)';
  switch (spf?.outcome) {
    case undefined:
      return 'its SPF record has not been looked up yet';
    case 'failed':
      return 'its SPF record could not be looked up';
    case 'absent':
      return 'there is no SPF record';
    case 'mismatch':
    case 'found':
      return 'its SPF record does not allow the upstream';
  }
}

function consequence({ dmarc, policy }: Circumstances): string {
  if (policy === undefined) {
    return dmarc?.outcome === 'absent'
      ? 'Without a DMARC record each receiver decides by itself, and large ones refuse such mail.'
      : 'What its DMARC record asks of receivers is not known.';
  }
  // a record above says by `sp=` what it asks for those below
  return CONSEQUENCES[dmarc?.seenAt === undefined ? policy.policy : policy.subdomainPolicy];
}

const CONSEQUENCES = {
  none: 'The DMARC record asks receivers to accept it anyway (p=none).',
  quarantine: 'The DMARC record asks receivers to treat it as junk (quarantine).',
  reject: 'The DMARC record asks receivers to refuse it (reject).',
} as const satisfies Readonly<Record<DmarcPolicy['policy'], string>>;
