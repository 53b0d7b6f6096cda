/** The header section of an accepted message, with the fields that we have put in front of it. */
import { type HeaderField, scanHeaderSection } from '../checks/header-section.ts';
import type { Content } from '../message.ts';
import { isReply } from '../replies.ts';
import { startOf } from './content.ts';

export interface StoredHeader {
  readonly fields: readonly HeaderField[];
  /** Length of the section, its empty line included. */
  readonly octets: number;
}

/** As much as most header sections have, and more than any is let in with. */
const HEADER_BYTES = [16 * 1024, 4 * 1024 * 1024];
/** Our fields are in the section too, besides as many as a client may send. */
const FIELDS_MAX = 1100;

/** Undefined where it cannot be read whole: a signature may be in what is not seen. */
export async function readStoredHeader(content: Content): Promise<StoredHeader | undefined> {
  const section = await headerSectionOf(content);
  if (section === undefined) return undefined;
  const fields = scanHeaderSection(section, { headerBytes: section.length, fieldsMax: FIELDS_MAX });
  return isReply(fields) ? undefined : { fields, octets: section.length };
}

/**
 * The header section with its empty line; all of a content that has none. Undefined where it is too large to be one of
 * ours.
 */
async function headerSectionOf(content: Content): Promise<Buffer | undefined> {
  for (const maxBytes of HEADER_BYTES) {
    const start = await startOf(content, maxBytes);
    const end = start.indexOf('\r\n\r\n');
    if (end !== -1) return start.subarray(0, end + 4);
    if (start.length < maxBytes) return start;
  }
  return undefined;
}
