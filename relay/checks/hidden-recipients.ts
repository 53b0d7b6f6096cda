/**
 * Fields of a message by which smart hosts send it to further recipients, or to others than those of the envelope. A list
 * that says whom its mail may reach cannot judge them: they are a language of each provider's own. What is known to name
 * nobody (categories, tags, data of the application) passes.
 */
import { unfold, type HeaderField } from './header-section.ts';

/** By field: the keys of its JSON object that name nobody; none for one that has no use but to name somebody. */
const HARMLESS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  // SendGrid: `to` and some `filters` name recipients
  ['x-smtpapi', new Set('category unique_args sub section send_at send_each_at asm_group_id ip_pool'.split(' '))],
  // SparkPost: `cc`, `bcc` and `archive` do
  ['x-msys-api', new Set('options metadata tags campaign_id'.split(' '))],
  // Mandrill
  ['x-mc-bccaddress', new Set()],
]);

/** The first field that may name recipients, as it is written. */
export function hiddenRecipients(fields: readonly HeaderField[]): string | undefined {
  return fields.find((field) => mayNameRecipients(field))?.name;
}

function mayNameRecipients({ key, value }: HeaderField): boolean {
  const harmless = HARMLESS.get(key);
  if (harmless === undefined) return false;
  return keysOf(unfold(value))?.every((name) => harmless.has(name)) !== true;
}

/** Undefined: it is no JSON object to us, and may be one to the smart host. */
function keysOf(text: string): readonly string[] | undefined {
  try {
    const settings: unknown = JSON.parse(text);
    return typeof settings === 'object' && settings !== null && !Array.isArray(settings)
      ? Object.keys(settings)
      : undefined;
  } catch {
    return undefined;
  }
}
