/** Replies of upstreams, read as what they are: text from a stranger that decides about other people's mail. */
import type { Verdict } from '../spool/record.ts';

/** Long enough for the longest real reply with its hints and links; logs and reports carry it as one line. */
const TEXT_MAX = 400;

/** Reply code, then optionally the enhanced code (RFC 2034). */
const REPLY = /^([2-5][0-9][0-9])(?:[ -](?:([245]\.[0-9]{1,3}\.[0-9]{1,3})(?= |$))?|$)/;

/** Bad sequence, and the codes about logging in (RFC 4954): about our session, so no word about this message. */
const ABOUT_THE_SESSION: ReadonlySet<number> = new Set([503, 530, 534, 535, 538]);

/**
 * The verdict of a reply (lines joined by LF, each with its code). What is neither a 2yz nor a 5yz can only be tried
 * again: a reply that makes no sense proves nothing about the recipient.
 */
export function readReply(reply: string): Verdict {
  const match = REPLY.exec(reply);
  if (match === null) return deferred('4.5.0', `unreadable reply: ${reply}`);
  const code = Number(match[1]);
  const outcome = outcomeOf(code);
  const statusClass = { delivered: '2', deferred: '4', failed: '5' }[outcome];
  // an enhanced code of another class than the reply contradicts it: the reply code decides (RFC 2034 section 4)
  const enhanced = match[2]?.startsWith(statusClass) === true ? match[2] : `${statusClass}.0.0`;
  return { outcome, code, enhanced, text: printable(reply) };
}

function outcomeOf(code: number): Verdict['outcome'] {
  if (code < 300) return 'delivered';
  return code >= 500 && !ABOUT_THE_SESSION.has(code) ? 'failed' : 'deferred';
}

/** For metrics: `none` where no reply came. */
export function replyClass({ code }: Verdict): string {
  return code === undefined ? 'none' : `${Math.floor(code / 100)}yz`;
}

/** Our own finding that a later attempt may mend. */
export function deferred(enhanced: string, text: string): Verdict {
  return { outcome: 'deferred', enhanced, text: printable(text) };
}

/** Our own finding that no later attempt mends. */
export function failed(enhanced: string, text: string): Verdict {
  return { outcome: 'failed', enhanced, text: printable(text) };
}

/** One line of ASCII: nothing that could add a line to a log or a header to a report, or steer a terminal. */
export function printable(text: string): string {
  return text
    .slice(0, TEXT_MAX * 2)
    .replace(/[\s\x00-\x1f\x7f]+/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, TEXT_MAX);
}
