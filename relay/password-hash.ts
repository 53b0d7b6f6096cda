/**
 * Verifiers: what the relay knows of a password. A generated password carries 256 random bits, so one round of salted
 * SHA-256 is enough and costs a log-in nothing; a password that a person chose needs argon2id (RFC 9106).
 */
import { argon2, createHash, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const argon2Async = promisify(argon2);

/** OWASP's first choice for little memory: 19 MiB, two passes, one lane; 25 ms of one core. */
const ARGON2 = { memory: 19456, passes: 2, parallelism: 1, tagLength: 32 } as const;
/** A verifier from a configuration document may not order more work than this, nor less than is safe. */
const ARGON2_MEMORY_MAX = 262144;
const ARGON2_PASSES_MAX = 16;

const SHA256_FORM = /^sha256\$([\w-]{16,})\$([\w-]{43})$/;
const ARGON2_FORM = /^argon2id\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([\w-]{11,})\$([\w-]{43})$/;

/** Verifier of a generated password: `sha256$SALT$HASH`, both base64url. `salt` has at least 12 bytes. */
export function sha256Verifier(password: string, salt: Buffer): string {
  const text = salt.toString('base64url');
  return `sha256$${text}$${sha256(text, password).toString('base64url')}`;
}

/** Verifier of a password that a person chose: `argon2id$m=KiB,t=PASSES,p=LANES$SALT$HASH`. `salt` has 8 bytes or more. */
export async function argon2idVerifier(password: string, salt: Buffer): Promise<string> {
  const hash = await argon2id(password, salt, ARGON2);
  const { memory, passes, parallelism } = ARGON2;
  return `argon2id$m=${memory},t=${passes},p=${parallelism}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/** Whether the password is the one that the verifier was made of, in constant time. A malformed verifier fits none. */
export async function verifyPassword(password: string, verifier: string): Promise<boolean> {
  const simple = SHA256_FORM.exec(verifier);
  if (simple?.[1] !== undefined && simple[2] !== undefined) {
    return timingSafeEqual(sha256(simple[1], password), Buffer.from(simple[2], 'base64url'));
  }
  const slow = ARGON2_FORM.exec(verifier);
  if (slow?.[4] === undefined || slow[5] === undefined) return false;
  const cost = { memory: Number(slow[1]), passes: Number(slow[2]), parallelism: Number(slow[3]), tagLength: 32 };
  if (cost.memory > ARGON2_MEMORY_MAX || cost.passes > ARGON2_PASSES_MAX) return false;
  const hash = await argon2id(password, Buffer.from(slow[4], 'base64url'), cost);
  return timingSafeEqual(hash, Buffer.from(slow[5], 'base64url'));
}

/** A verifier that no password fits, so that an unknown user costs as much work as a known one. */
export const NOBODY = `sha256$${'A'.repeat(22)}$${'A'.repeat(43)}`;

function sha256(salt: string, password: string): Buffer {
  return createHash('sha256').update(salt).update('\0').update(password).digest();
}

async function argon2id(
  password: string,
  nonce: Buffer,
  cost: { memory: number; passes: number; parallelism: number; tagLength: number },
): Promise<Buffer> {
  return argon2Async('argon2id', { message: password, nonce, ...cost });
}
