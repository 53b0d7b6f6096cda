/**
 * What we change in a header section: Date and Message-ID are added where they are missing (RFC 6409 section 8), and
 * Bcc is removed, as each recipient could read it (RFC 5322 section 3.6.3). All other octets stay as sent, and a signed
 * field is left alone.
 */
import type { SenderPolicy } from '../config/config.ts';
import type { HeaderField } from './header-section.ts';
import { signedFields } from './signed-fields.ts';

export interface HeaderChanges {
  /** Fields to add. */
  readonly missing: { readonly date: boolean; readonly messageId: boolean };
  /** Fields to leave out, in order. */
  readonly dropped: readonly OctetRange[];
}

/** From the first octet up to the one before `end`. */
export interface OctetRange {
  readonly start: number;
  readonly end: number;
}

const BLIND = new Set(['bcc', 'resent-bcc']);

export function changesTo(fields: readonly HeaderField[], { bcc }: Pick<SenderPolicy, 'bcc'>): HeaderChanges {
  const present = new Set(fields.map(({ key }) => key));
  const signed = signedFields(fields);
  const isMissing = (key: string) => !present.has(key) && !signed.has(key);
  const dropped = fields.filter(({ key }) => bcc === 'Drop' && BLIND.has(key) && !signed.has(key)).map(octetsOf);
  return { missing: { date: isMissing('date'), messageId: isMissing('message-id') }, dropped };
}

/** All of a field: name, colon, value with its folds, and the line end. */
function octetsOf({ name, value, offset }: HeaderField): OctetRange {
  return { start: offset, end: offset + name.length + ':'.length + value.length + '\r\n'.length };
}
