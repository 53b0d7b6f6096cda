/**
 * The copy for a recipient whom others were redirected to. It goes out by itself, since it says for whom the message
 * was, and that is nobody else's business: among them may be those of a Bcc.
 */
import type { Content } from '../message.ts';
import type { PendingRecipient } from '../spool/record.ts';
import { startOf, withAdded } from './content.ts';
import { escaped, oneLine } from '../printable.ts';

/** One a line, as Postfix adds it: filters of mail clients know it. */
const FIELD = 'X-Original-To';
/** Upstreams bound the header section. */
const NAMED_MAX = 100;
/** A header section that is larger may hold a signature that we do not see. */
const HEADER_MAX_BYTES = 1024 * 1024;

export interface Share {
  readonly recipients: readonly PendingRecipient[];
  readonly content: Content;
  readonly size: number;
}

/** What can go out together: one redirected recipient, or all who are none. */
export async function shareOf(
  recipients: readonly PendingRecipient[],
  { content, size }: { readonly content: Content; readonly size: number },
): Promise<Share> {
  const redirected = recipients.find(({ redirectedFrom }) => redirectedFrom !== undefined);
  if (redirected === undefined) return { recipients, content, size };
  const header = await startOf(content, HEADER_MAX_BYTES);
  const added = Buffer.from(maySay(header.toString('latin1')) ? fieldsFor(redirected.redirectedFrom ?? []) : '');
  return { recipients: [redirected], content: withAdded(content, added), size: size + added.length };
}

function fieldsFor(originals: readonly string[]): string {
  const named = originals.slice(0, NAMED_MAX).map((address) => `${FIELD}: ${oneLine(escaped(address))}\r\n`);
  const others = originals.length - named.length;
  return named.join('') + (others > 0 ? `${FIELD}: and ${others} more\r\n` : '');
}

/** A signature over a field that is not there says that there is none (RFC 6376 section 5.4.2): adding it breaks that. */
function maySay(start: string): boolean {
  const end = start.indexOf('\r\n\r\n');
  if (end === -1 && start.length >= HEADER_MAX_BYTES) return false;
  const header = (end === -1 ? start : start.slice(0, end)).replaceAll(/\r\n(?=[ \t])/g, '');
  const signatures = header.split('\r\n').filter((line) => /^(dkim|arc-message)-signature[ \t]*:/i.test(line));
  return !signatures.some((line) => signedNames(line).includes(FIELD.toLowerCase()));
}

/** The tag `h=` (RFC 6376 section 3.5). */
function signedNames(signature: string): string[] {
  const [, names = ''] = /[:;][ \t]*h[ \t]*=([^;]*)/.exec(signature) ?? [];
  return names.split(':').map((name) => name.trim().toLowerCase());
}
