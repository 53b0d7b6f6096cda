/** DKIM of a VerifiedSender: whether its mail is signed, with what, and which records that takes. */
import { durationSeconds } from '../../api/duration.ts';
import type { SenderSpec } from '../../api/sender.ts';
import type { DkimSigner } from '../../../relay/config/config.ts';
import type { Judgement } from '../conditions.ts';
import { keyOf, type ObjectMeta } from '../model.ts';
import type { RecordLookup, RecordsPlan } from './look-ups.ts';
import { formatTime } from '../time.ts';
import type { DkimGeneration, DkimKeyPair, DkimKeys } from './dkim-model.ts';
import { endOf, judgeKeys, type KeyEvidence, type KeysVerdict } from './dkim-keys.ts';
import { nextLookup, touchOf } from './dns-proof.ts';
import { doPublish, stateOf, whatWasSeen, type DnsRecord } from './dns-record.ts';

export interface SigningVerdict {
  /** The condition `Signing`; absent where nobody asks for signatures. */
  readonly judgement?: Judgement;
  /** Records that are to be in the DNS, with what was found. */
  readonly records: readonly DnsRecord[];
  /** For the relays; absent: mail goes out unsigned. */
  readonly signer?: DkimSigner;
  readonly plan: Pick<RecordsPlan, 'lookups' | 'wish'>;
  /** When this changes with time alone. */
  readonly until?: Date;
}

export interface SigningQuestion {
  readonly meta: ObjectMeta;
  /** Canonical, with a leading `@` where it is a domain. */
  readonly sender: string;
  readonly spec: SenderSpec;
  readonly isVerified: boolean;
  readonly keys: DkimKeys | undefined;
  readonly evidence: KeyEvidence;
  /** Classes whose relays have no room for the keys. */
  readonly withoutKeys: readonly string[];
  /** Whether there are look-ups here. */
  readonly isLookedUp: boolean;
  readonly now: Date;
}

/** Undefined where there is nothing to say, or to do. */
export function judgeSigning(question: SigningQuestion): SigningVerdict | undefined {
  const { sender, spec, keys, evidence, now } = question;
  const isAsked = spec.dkim.signing === 'Enabled';
  if (!isAsked && keys === undefined) return undefined;
  const domain = sender.replace(/^@/, '');
  const obstacle = isAsked ? obstacleTo(question) : undefined;
  // the keys of a sender that is not verified wait for it, and so do their records
  if (obstacle !== undefined) {
    const generations = keys?.domain === domain ? keys.generations : [];
    const known = { domain, signing: [], evidence, lookups: [], publish: spec.dns.publish };
    return {
      judgement: unsigned('NotSigned', obstacle),
      records: generations.flatMap((generation) => recordsOf(generation, known)),
      plan: { lookups: [] },
    };
  }
  const { interval } = spec.dkim;
  const intervalSeconds = interval === undefined ? undefined : durationSeconds(interval);
  const verdict = judgeKeys(keys, { domain, isWanted: isAsked, intervalSeconds, evidence, now });
  const { generations, signing, wish, until } = verdict;
  const lookups = generations.flatMap((generation) =>
    generation.keys.map((key) => lookupOf(question, domain, generation, key)),
  );
  const known = { domain, signing, evidence, lookups, publish: spec.dns.publish };
  return {
    ...(isAsked && { judgement: withoutRoom(question, verdict) ?? judge(domain, verdict) }),
    records: generations.flatMap((generation) => recordsOf(generation, known)),
    ...(signing.length > 0 && { signer: { domain, keys: signing.map(forRelays) } }),
    plan: { lookups, ...(wish !== undefined && { wish }) },
    ...(until !== undefined && { until }),
  };
}

/** RFC 1035 section 2.3.4, less the longest selector. */
const DOMAIN_MAX = 253 - 'smtpplus-12345678-ed25519._domainkey.'.length;

function obstacleTo({ sender, isVerified, isLookedUp }: SigningQuestion): string | undefined {
  const domain = sender.replace(/^@/, '');
  if (!sender.startsWith('@')) return 'Mail of an address is signed with the keys of its domain: verify that, too.';
  if (!isVerified) return `Mail is signed once ${domain} is verified.`;
  if (!isLookedUp) {
    return 'Keys are used once their records are seen in the DNS, and look-ups are switched off here (verification.dns).';
  }
  return domain.length > DOMAIN_MAX ? 'The domain is too long for the records of keys below it.' : undefined;
}

/** The keys stay planned: there is room again once there is less of something else. */
function withoutRoom({ withoutKeys }: SigningQuestion, { signing }: KeysVerdict): Judgement | undefined {
  if (signing.length === 0 || withoutKeys.length === 0) return undefined;
  const whose = `The relays of class ${withoutKeys.join(', ')} send mail unsigned`;
  const why = 'this namespace takes more of their configuration than there is room for, so that its keys were left out';
  const mend = 'Delete what is no longer used (users, lists, senders, certificates of upstreams)';
  return unsigned('NotWritten', `${whose}: ${why}. ${mend}, or move users to a list of another relay class.`);
}

function judge(domain: string, { generations, signing, wish }: KeysVerdict): Judgement {
  if (signing.length > 0) {
    const algorithms = signing.map(({ algorithm }) => algorithm).join(' and ');
    const selectors = signing.map(({ selector }) => selector).join(' and ');
    const message = `Mail from ${domain} is signed with ${algorithms} (selector ${selectors}).`;
    const newest = generations.at(-1);
    if (newest === undefined || newest.keys.some((key) => signing.includes(key))) {
      return { type: 'Signing', status: 'True', reason: 'Signed', message };
    }
    const next = `The keys after those sign once their records are seen: TXT ${namesOf(domain, [newest])}.`;
    return { type: 'Signing', status: 'True', reason: 'NextKeysAwaited', message: `${message} ${next}` };
  }
  if (generations.length === 0 && wish !== undefined) {
    return unsigned(
      'KeysAwaited',
      'Keys are being made; mail goes out unsigned until their records are seen in the DNS.',
    );
  }
  const live = generations.filter(({ retiredTime }) => retiredTime === undefined);
  const records = `the records in status.dnsRecords are seen in the DNS: TXT ${namesOf(domain, live)}`;
  const message = `Mail goes out unsigned until ${records}.`;
  return unsigned('KeyRecordsNotFound', message);
}

function namesOf(domain: string, generations: readonly DkimGeneration[]): string {
  return generations.flatMap(({ keys }) => keys.map((key) => recordName(domain, key))).join(', ');
}

function unsigned(
  reason: 'NotSigned' | 'NotWritten' | 'KeysAwaited' | 'KeyRecordsNotFound',
  message: string,
): Judgement {
  return { type: 'Signing', status: 'False', reason, message };
}

function lookupOf(
  { meta, spec, evidence, now }: SigningQuestion,
  domain: string,
  { createdTime }: DkimGeneration,
  key: DkimKeyPair,
): RecordLookup {
  const known = evidence[key.selector];
  const touched = touchOf(meta);
  const recheckSeconds = durationSeconds(spec.recheckInterval);
  return {
    sender: keyOf(meta),
    purpose: 'Key',
    id: key.selector,
    recordName: recordName(domain, key),
    recordValue: recordValue(key),
    due:
      known === undefined
        ? createdTime
        : formatTime(nextLookup({ meta, recheckSeconds, isVouchedFor: false, since: undefined }, known, now)),
    ...(touched !== undefined && { touched }),
  };
}

interface Known {
  readonly domain: string;
  readonly signing: readonly DkimKeyPair[];
  readonly evidence: KeyEvidence;
  readonly lookups: readonly RecordLookup[];
  readonly publish: SenderSpec['dns']['publish'];
}

function recordsOf(generation: DkimGeneration, known: Known): DnsRecord[] {
  return generation.keys.map((key) => ({
    purpose: 'DKIM',
    name: recordName(known.domain, key),
    type: 'TXT',
    value: recordValue(key),
    state: stateOf(known.evidence[key.selector]),
    message: describe(generation, key, known),
  }));
}

function describe(
  generation: DkimGeneration,
  key: DkimKeyPair,
  { signing, evidence, lookups, publish }: Known,
): string {
  const end = endOf(generation);
  if (end !== undefined)
    return `Keep it until ${formatTime(end)}: mail that was signed with it may still be on its way.`;
  const seen = evidence[key.selector];
  const use = signing.includes(key) ? 'Mail is signed with it.' : 'Nothing is signed with it yet.';
  if (seen?.outcome === 'found') return `${use} Last seen at ${seen.time}.`;
  const due = seen && lookups.find(({ id }) => id === key.selector)?.due;
  return `${doPublish(publish === 'DNSEndpoint')} ${whatWasSeen(seen, due)} ${use}`;
}

function recordName(domain: string, { selector }: DkimKeyPair): string {
  return `${selector}._domainkey.${domain}`;
}

/** RFC 6376 section 3.6.1. */
function recordValue({ algorithm, publicKey }: DkimKeyPair): string {
  return `v=DKIM1; k=${algorithm.replace(/-sha256$/, '')}; p=${publicKey}`;
}

function forRelays({ algorithm, selector, privateKey }: DkimKeyPair): DkimSigner['keys'][number] {
  return { algorithm, selector, privateKey };
}
