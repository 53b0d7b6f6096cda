/**
 * What the operator remembers of the passwords that it has issued: one annotation on the credentials Secret. Whoever may
 * write the Secret can forge it, so it can only shorten what is valid, never open more than one rotation would.
 */
import { z } from 'zod';
import { CREDENTIALS_ANNOTATION } from '../names.ts';
import { after, formatTime, parseTime } from '../time.ts';

/** Generated passwords only (relay/password-hash.ts): a forged argon2id could order gigabytes of memory at each log-in. */
const verifier = z
  .string()
  .max(256)
  .regex(/^sha256\$[\w-]+\$[\w-]+$/);

const recordSchema = z.object({
  verifier,
  issued: z.iso.datetime(),
  trigger: z.string().max(256).optional(),
  previous: z.object({ verifier, notAfter: z.iso.datetime() }).optional(),
});

export interface PasswordRecord {
  readonly verifier: string;
  readonly issued: string;
  /** `rotation.trigger` as it was then. */
  readonly trigger?: string;
  /** The password before it, and until when it is valid. */
  readonly previous?: { readonly verifier: string; readonly notAfter: string };
}

/** The record of a Secret, with times that cannot be true put right; undefined where there is none, or nonsense. */
export function readRecord(
  annotations: Readonly<Record<string, string>>,
  { now, overlapSeconds }: { readonly now: Date; readonly overlapSeconds: number },
): PasswordRecord | undefined {
  const parsed = recordSchema.safeParse(parseJson(annotations[CREDENTIALS_ANNOTATION]));
  if (!parsed.success) return undefined;
  const { issued, trigger, previous } = parsed.data;
  const notAfter = earliest(parseTime(previous?.notAfter), after(now, overlapSeconds));
  const isValid = previous !== undefined && notAfter > now;
  return {
    verifier: parsed.data.verifier,
    issued: formatTime(earliest(parseTime(issued), now)),
    ...(trigger !== undefined && { trigger }),
    ...(isValid && { previous: { verifier: previous.verifier, notAfter: formatTime(notAfter) } }),
  };
}

/** The verifier of the password in force, in the text of a record. */
export function recordedVerifier(text: string | undefined): string | undefined {
  return recordSchema.safeParse(parseJson(text)).data?.verifier;
}

/** The salt of that verifier: whoever checks the password against the record has to hash it with the same. */
export function recordedSalt(annotations: Readonly<Record<string, string>>): string | undefined {
  return recordedVerifier(annotations[CREDENTIALS_ANNOTATION])?.split('$')[1];
}

export function writeRecord({ verifier, issued, trigger, previous }: PasswordRecord): Record<string, string> {
  return { [CREDENTIALS_ANNOTATION]: JSON.stringify({ verifier, issued, trigger, previous }) };
}

function earliest(time: Date | undefined, bound: Date): Date {
  return time !== undefined && time < bound ? time : bound;
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
