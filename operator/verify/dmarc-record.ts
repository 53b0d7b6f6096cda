/** What a domain asks of receivers by DMARC: its own record, or that of the registered domain above it. */
import { isDmarcRecord, readDmarcPolicy } from '../core/senders/dmarc-policy.ts';
import { organizationalDomain } from '../core/senders/public-suffix.ts';
import { askTxt, type DnsServer } from './ask-txt.ts';
import type { Observation, RecordQuestion } from './look-up.ts';

const PREFIX = '_dmarc.';
/** Longer ones are not kept: they have lists of addresses for reports, which decide nothing here. */
const KEPT_MAX = 500;

/** @param question of `_dmarc.DOMAIN` */
export async function lookAtDmarc({ recordName }: RecordQuestion, server: DnsServer): Promise<Observation> {
  const own = await lookAt(recordName, server);
  const above = `${PREFIX}${organizationalDomain(recordName.slice(PREFIX.length))}`;
  if (own.outcome !== 'absent' || above === recordName) return own;
  const inherited = await lookAt(above, server);
  switch (inherited.outcome) {
    case 'absent':
      return { outcome: 'absent', detail: `${own.detail}, and the same is true of ${above}` };
    case 'found':
    case 'mismatch':
    case 'failed':
      return { ...inherited, detail: `${above}: ${inherited.detail}`, seenAt: above };
  }
}

async function lookAt(name: string, server: DnsServer): Promise<Observation> {
  const answer = await askTxt(name, server);
  if (answer.kind !== 'values') return { outcome: answer.kind, detail: answer.why };
  const [record, ...others] = answer.values.filter(isDmarcRecord);
  if (record === undefined) return { outcome: 'absent', detail: 'there is no TXT record that begins with v=DMARC1' };
  if (others.length > 0) {
    const detail = `there are ${others.length + 1} DMARC records, and receivers ignore all of them then; leave one`;
    return { outcome: 'mismatch', detail };
  }
  if (readDmarcPolicy(record) === undefined) {
    const detail = 'receivers cannot read it: it needs p=none, p=quarantine or p=reject, and no tag twice';
    return { outcome: 'mismatch', detail };
  }
  return { outcome: 'found', detail: 'it is there', seen: plain(record) };
}

/** What matters of it stands in front of the addresses for reports, mostly. */
function plain(record: string): string {
  const short =
    record.length > KEPT_MAX
      ? record
          .split(';')
          .filter((tag) => !/^\s*ru[af]\s*=/.test(tag))
          .join(';')
      : record;
  return short.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, KEPT_MAX);
}
