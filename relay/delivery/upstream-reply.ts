/**
 * Reads the replies of upstreams as what they are: text from a stranger that decides about other people's mail. What a
 * code means depends on the command that it answers, so the two are read together.
 */
import { oneLine } from '../printable.ts';
import type { Verdict } from '../spool/record.ts';

/** Reply code, then optionally the enhanced code (RFC 2034). */
const REPLY = /^([2-5][0-9][0-9])(?:[ -](?:([245]\.[0-9]{1,3}\.[0-9]{1,3})(?= |$))?|$)/;

/** What was answered: a command of the transaction, or its content. What comes before MAIL is never about a message. */
export type Place = Exclude<Verdict['at'], undefined>;

/** The outcome for this recipient, or `tooMany`: it can go in another transaction at once. */
type Meaning = 'deferred' | 'failed' | 'tooMany';

interface Rule {
  readonly at: readonly Place[];
  readonly code: RegExp;
  /** The enhanced code without its class; empty where there is none. */
  readonly detail?: RegExp;
  readonly text?: RegExp;
  readonly means: Meaning;
}

const ANYWHERE: readonly Place[] = ['MAIL', 'RCPT', 'DATA', 'content'];
const ANY_CODE = /^[45]/;

/**
 * Replies that mean something else than their first digit says; the first that fits counts. Without one, 4yz is tried
 * again and 5yz bounces: 552 to MAIL is a message too large for good (RFC 1870), to RCPT a mailbox without room.
 */
const RULES: readonly Rule[] = [
  // about our session: bad sequence, the codes about logging in (RFC 4954), a server that takes no mail (RFC 7504).
  // Wrong credentials are our configuration's fault, and no word about this message
  { at: ANYWHERE, code: /^(503|521|530|534|535|538)$/, means: 'deferred' },
  { at: ANYWHERE, code: ANY_CODE, detail: /^7\.(8|9|11|12|57)$/, means: 'deferred' },
  // the connection ends, whatever the message (RFC 5321 section 3.8)
  { at: ANYWHERE, code: /^421$/, means: 'deferred' },
  // a full disk empties again, whatever the code
  { at: ANYWHERE, code: /^552$/, detail: /^3\.1$/, means: 'deferred' },
  // RFC 3463 section 3.6, and words of servers that say it with other codes (Amazon SES does so after the content)
  { at: ['RCPT', 'DATA', 'content'], code: ANY_CODE, detail: /^5\.3$/, means: 'tooMany' },
  {
    at: ['RCPT', 'DATA', 'content'],
    code: ANY_CODE,
    text: /too many recipients|recipient count exceeds/i,
    means: 'tooMany',
  },
  // RFC 5321 section 4.5.3.1.10: 452 is the code for it, and 552 was by mistake in RFC 821
  { at: ['RCPT'], code: /^[45]52$/, detail: /^(|0\.0|5\.0)$/, means: 'tooMany' },
];

export interface Reading {
  readonly verdict: Verdict;
  /** The upstream takes no more recipients in one transaction; the verdict counts where it has taken none. */
  readonly isTooMany: boolean;
}

/**
 * What a reply (lines joined by LF, each with its code) means at its place. What is neither a 2yz nor a 5yz can only be
 * tried again: a reply that makes no sense proves nothing about the recipient.
 */
export function readReply(reply: string, at: Place): Reading {
  const [, digits, status = ''] = REPLY.exec(reply) ?? [];
  if (digits === undefined) return { verdict: deferred('4.5.0', 'unreadable reply'), isTooMany: false };
  const code = Number(digits);
  const rule = RULES.find((one) => {
    const isDetail = one.detail?.test(status.slice(2)) ?? true;
    return one.at.includes(at) && one.code.test(digits) && isDetail && (one.text?.test(reply) ?? true);
  });
  const outcome = rule === undefined || rule.means === 'tooMany' ? byFirstDigit(code, rule?.means) : rule.means;
  const statusClass = { delivered: '2', deferred: '4', failed: '5' }[outcome];
  // an enhanced code of another class than the reply contradicts it: the reply code decides (RFC 2034 section 4)
  const enhanced = status.startsWith(statusClass) ? status : `${statusClass}.0.0`;
  return {
    verdict: { outcome, code, enhanced, text: oneLine(reply), at },
    isTooMany: rule?.means === 'tooMany',
  };
}

function byFirstDigit(code: number, means: Meaning | undefined): Verdict['outcome'] {
  if (code < 300) return 'delivered';
  // where 552 is about the number of recipients it is temporary (RFC 5321 section 4.5.3.1.10)
  return code >= 500 && !(code === 552 && means === 'tooMany') ? 'failed' : 'deferred';
}

/** How many recipients an upstream takes at once that refused `count` of them together. */
export function limitIn(reply: string, count: number): number {
  const told = Number(/recipient count exceeds (\d{1,5})\b/i.exec(reply)?.[1]);
  return told > 0 && told < count ? told : Math.floor(count / 2);
}

/** For metrics: `none` where no reply came. */
export function replyClass({ code }: Verdict): string {
  return code === undefined ? 'none' : `${Math.floor(code / 100)}yz`;
}

/** Our own finding that a later attempt may mend. */
export function deferred(enhanced: string, text: string): Verdict {
  return { outcome: 'deferred', enhanced, text: oneLine(text) };
}

/** Our own finding that no later attempt mends. */
export function failed(enhanced: string, text: string): Verdict {
  return { outcome: 'failed', enhanced, text: oneLine(text) };
}
