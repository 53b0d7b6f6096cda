/**
 * How many mails may leave, so that nobody fills a stranger's mailbox through us, and no tenant uses up what there is
 * for all.
 */
import type { MailEvidence, MailLimit } from '../core/mail-evidence.ts';
import { after, formatTime } from '../core/time.ts';
import { recent } from './mail-evidence.ts';

export interface MailLimits {
  /** Within 24 h. */
  readonly perNamespace: number;
  readonly inTotal: number;
}

export interface MailRefusal {
  readonly limit: MailLimit;
  /** For people. */
  readonly message: string;
  readonly retryTime: string;
}

/** Within 24 h: what a person needs who has lost the first, and has mistyped the code of the second. */
const PER_ADDRESS = 3;
/** From all namespaces together; to block somebody's mailbox, three of them would have to work together. */
const PER_MAILBOX = 9;
/** Between two to one mailbox. */
const APART_SECONDS = 60;
const DAY_SECONDS = 24 * 3600;

/** Why no mail may leave for `key` (`NAMESPACE/ADDRESS`) now; undefined: one may. */
export function mailRefusalOf(
  key: string,
  known: Iterable<readonly [string, MailEvidence]>,
  { limits, now }: { readonly limits: MailLimits; readonly now: Date },
): MailRefusal | undefined {
  const { namespace, mailbox } = partsOf(key);
  const sent = { address: [] as string[], mailbox: [] as string[], namespace: [] as string[], total: [] as string[] };
  for (const [other, { mails }] of known) {
    const of = partsOf(other);
    const times = recent(mails, now);
    sent.total.push(...times);
    if (of.namespace === namespace) sent.namespace.push(...times);
    if (of.mailbox !== mailbox) continue;
    sent.mailbox.push(...times);
    if (of.namespace === namespace) sent.address.push(...times);
  }
  const last = sent.mailbox.sort().at(-1);
  const gap = last === undefined ? undefined : after(new Date(last), APART_SECONDS);
  return (
    over('Address', sent.address, PER_ADDRESS, `${PER_ADDRESS} went to it within 24 h`) ??
    over('Address', sent.mailbox, PER_MAILBOX, `${PER_MAILBOX} went to it within 24 h, of several namespaces`) ??
    over(
      'Namespace',
      sent.namespace,
      limits.perNamespace,
      `${limits.perNamespace} of this namespace went out within 24 h`,
    ) ??
    over('Total', sent.total, limits.inTotal, `${limits.inTotal} of all namespaces went out within 24 h`) ??
    (gap !== undefined && gap > now
      ? { limit: 'Address', message: 'the last one went to it less than a minute ago', retryTime: formatTime(gap) }
      : undefined)
  );
}

function over(limit: MailLimit, times: string[], most: number, message: string): MailRefusal | undefined {
  if (times.length < most) return undefined;
  // once this one is a day old, there are fewer
  const oldest = times.sort()[times.length - most] ?? '';
  return { limit, message, retryTime: formatTime(after(new Date(oldest), DAY_SECONDS)) };
}

/** `x+1@y` and `x+2@y` are one mailbox almost everywhere. */
function partsOf(key: string): { readonly namespace: string; readonly mailbox: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), mailbox: key.slice(slash + 1).replace(/\+[^@]*@/, '@') };
}
