/**
 * The copy for a recipient whom others were redirected to. It goes out by itself, since it says whom the message was
 * for, and that is nobody else's business: recipients from a Bcc may be among them.
 */
import type { Content } from '../message.ts';
import type { PendingRecipient } from '../spool/record.ts';
import { signedFields } from '../checks/signed-fields.ts';
import { withAdded } from './content.ts';
import { readStoredHeader } from './stored-header.ts';
import { escaped, oneLine } from '../printable.ts';

/** One a line, as Postfix adds it: filters of mail clients know it. */
const FIELD = 'X-Original-To';
/** Upstreams bound the header section. */
const NAMED_MAX = 100;

export interface Batch {
  readonly recipients: readonly PendingRecipient[];
  readonly content: Content;
  readonly size: number;
}

/** What can go out together: one redirected recipient, or all who are none. */
export async function nextBatch(
  recipients: readonly PendingRecipient[],
  { content, size }: { readonly content: Content; readonly size: number },
): Promise<Batch> {
  const redirected = recipients.find(({ redirectedFrom }) => redirectedFrom !== undefined);
  if (redirected === undefined) return { recipients, content, size };
  const added = Buffer.from((await maySay(content)) ? fieldsFor(redirected.redirectedFrom ?? []) : '');
  return { recipients: [redirected], content: withAdded(content, added), size: size + added.length };
}

function fieldsFor(originals: readonly string[]): string {
  const named = originals.slice(0, NAMED_MAX).map((address) => `${FIELD}: ${oneLine(escaped(address))}\r\n`);
  const others = originals.length - named.length;
  return named.join('') + (others > 0 ? `${FIELD}: and ${others} more\r\n` : '');
}

/** A signature over a field that is not there says that there is none (RFC 6376 section 5.4.2): adding it breaks that. */
async function maySay(content: Content): Promise<boolean> {
  const header = await readStoredHeader(content);
  return header !== undefined && !signedFields(header.fields).has(FIELD.toLowerCase());
}
