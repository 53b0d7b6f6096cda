/**
 * What the operator remembers about a user's passwords: one annotation on its credentials Secret. Whoever may write the
 * Secret can write anything there, and a backup may bring it from anywhere, so it counts only for what its seal proves:
 * that this installation wrote it, about the user of this name.
 */
import { z } from 'zod';
import { parseJson } from '../../api/plain-data.ts';
import type { Issuer, ObjectMeta, SecretView } from '../model.ts';
import { CREDENTIALS_ANNOTATION } from '../names.ts';

export interface PasswordRecord {
  readonly verifier: string;
  readonly issued: string;
  /** `rotation.trigger` as it was then. */
  readonly trigger?: string;
  /** Passwords that have given way, and until when each is valid. */
  readonly previous: readonly EndingPassword[];
}

export interface EndingPassword {
  readonly verifier: string;
  readonly notAfter: string;
}

const verifier = z.string().max(256);
const ending = z.object({ verifier, notAfter: z.iso.datetime() });
/** More than there ever are: a tenant may write anything. */
const LISTED_MAX = 16;

const recordSchema = z.object({
  verifier,
  issued: z.iso.datetime(),
  trigger: z.string().max(256).optional(),
  /** A single one in records from before there were seals. */
  previous: z.union([ending.transform((one) => [one]), z.array(ending).max(LISTED_MAX)]).default([]),
  seal: z.string().max(256).optional(),
});

/** The record of a Secret; undefined where there is none, or none that this installation wrote about this user. */
export function readRecord(
  { annotations, data }: Pick<SecretView, 'annotations' | 'data'>,
  user: ObjectMeta,
  issuer: Issuer,
): PasswordRecord | undefined {
  const parsed = recordSchema.safeParse(parseJson(annotations[CREDENTIALS_ANNOTATION]));
  if (!parsed.success) return undefined;
  const { seal, trigger, ...rest } = parsed.data;
  const record = { ...rest, ...(trigger !== undefined && { trigger }) };
  const isOurs =
    seal === undefined
      ? isFromBeforeSeals(record, issuer.verifierOf(user, data['password'] ?? ''))
      : seal === issuer.seal(user, textOf(record));
  return isOurs ? record : undefined;
}

/**
 * A record without a seal is believed where it is about the password in the Secret, with the salt of this very object: who
 * has never read the Secret does not know that. Generated passwords only (relay/password-hash.ts): a forged argon2id could order
 * gigabytes of memory at each log-in.
 */
function isFromBeforeSeals({ verifier, previous }: PasswordRecord, expected: string | undefined): boolean {
  const isGenerated = (one: { readonly verifier: string }): boolean => /^sha256\$[\w-]+\$[\w-]+$/.test(one.verifier);
  return verifier === expected && previous.every(isGenerated);
}

/** The annotation, sealed. */
export function writeRecord(record: PasswordRecord, user: ObjectMeta, issuer: Issuer): Record<string, string> {
  const { verifier, issued, trigger, previous } = record;
  const list = previous.length === 0 ? {} : { previous };
  const text = { verifier, issued, trigger, ...list, seal: issuer.seal(user, textOf(record)) };
  return { [CREDENTIALS_ANNOTATION]: JSON.stringify(text) };
}

/** What the seal is about: all of it, in one form. */
function textOf({ verifier, issued, trigger, previous }: PasswordRecord): string {
  return JSON.stringify([verifier, issued, trigger ?? null, previous.map((one) => [one.verifier, one.notAfter])]);
}
