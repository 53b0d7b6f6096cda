/**
 * Labels and annotations: those for which an API server refuses the whole object, and those of ours that do not exist.
 */
import { GROUP } from '../api/common.ts';
import { isKindName } from '../api/kinds.ts';
import { labelKey, labelValue } from '../api/names.ts';
import { CHECK_NOW_ANNOTATION, DEFAULT_LIST_ANNOTATION, RESEND_ANNOTATION, RESUME_ANNOTATION } from '../core/names.ts';
import { isRecord } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';
import { findingAt, type Finding } from './finding.ts';
import { mostSimilar } from './similar.ts';

type Field = 'labels' | 'annotations';

/** What people write on objects of our kinds; no label means anything. */
const ANNOTATIONS: Readonly<Partial<Record<Manifest['kind'], readonly string[]>>> = {
  SmtpPlusList: [DEFAULT_LIST_ANNOTATION],
  SmtpPlusUser: [RESUME_ANNOTATION],
  VerifiedSender: [CHECK_NOW_ANNOTATION, RESEND_ANNOTATION],
};

export function checkTexts(manifest: Manifest): Finding[] {
  return [...checkField(manifest, 'labels'), ...checkField(manifest, 'annotations')];
}

function checkField(manifest: Manifest, field: Field): Finding[] {
  const { metadata } = manifest.value;
  const entries = isRecord(metadata) ? metadata[field] : undefined;
  if (entries === undefined || entries === null) return [];
  if (!isRecord(entries)) {
    const message = `metadata.${field} must be a mapping of text to text.`;
    return [findingAt(manifest, ['metadata', field], { severity: 'error', rule: 'schema', message })];
  }
  return Object.entries(entries).flatMap(([key, value]) => {
    const path = ['metadata', field, key];
    const refused = objectionToText(field, key, value);
    const idle = objectionToOurs(manifest.kind, field, key, value);
    return [
      ...(refused === undefined ? [] : [{ rule: 'schema', message: `metadata.${field} ${refused}.` } as const]),
      ...(idle === undefined ? [] : [{ rule: 'unknown-annotation', message: idle } as const]),
    ].map((one) => findingAt(manifest, path, { severity: 'error', ...one }));
  });
}

function objectionToText(field: Field, key: string, value: unknown): string | undefined {
  // the API server minds no capitals in the prefix of an annotation
  if (!labelKey.safeParse(field === 'annotations' ? key.toLowerCase() : key).success) {
    return `must have valid keys, but ${key} is not one; use letters, digits, -, _ and . (at most 63), after a domain and a / if there is a prefix`;
  }
  // `smtpplus.io/default-list: true` is a boolean in YAML
  if (typeof value !== 'string') return `must hold only text, but ${key} does not; put its value in quotes`;
  if (field === 'annotations' || labelValue.safeParse(value).success) return undefined;
  return `must have valid values, but that of ${key} is not; use letters, digits, -, _ and . (at most 63), beginning and ending with a letter or digit`;
}

/** What looks as if it did something, and does not. */
function objectionToOurs(kind: Manifest['kind'], field: Field, key: string, value: unknown): string | undefined {
  if (!isKindName(kind) || !key.toLowerCase().startsWith(`${GROUP}/`)) return undefined;
  const known = ANNOTATIONS[kind] ?? [];
  if (field === 'annotations' && known.includes(key)) {
    if (key !== DEFAULT_LIST_ANNOTATION) return undefined;
    // anything else reads as false, whatever somebody meant by it; what is no text has been told of
    if (typeof value !== 'string' || ['true', 'false'].includes(value)) return undefined;
    return `metadata.annotations: ${key} must be "true" or "false"; it is ${JSON.stringify(value.slice(0, 60))}.`;
  }
  const noun = field === 'labels' ? 'a label' : 'an annotation';
  const meant = mostSimilar(key, known);
  if (meant === undefined) {
    const elsewhere = Object.entries(ANNOTATIONS).find(([, names]) => mostSimilar(key, names) !== undefined);
    const mend =
      elsewhere === undefined
        ? 'remove it'
        : `${mostSimilar(key, elsewhere[1])} belongs on a ${elsewhere[0]}; remove it`;
    return `metadata.${field}: ${key} is not ${noun} of a ${kind}; ${mend}.`;
  }
  const place = field === 'labels' ? `the annotation ${meant}` : meant;
  return `metadata.${field}: ${key} is not ${noun} of a ${kind}; did you mean ${place}?`;
}
