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
  return (await findVerifier(password, [verifier])) !== undefined;
}

/**
 * The one of several verifiers that the password fits, at the cost of one slow hash for each salt among them: passwords of
 * a user that follow each other have the same. All are tried, so that the time does not tell which one it was.
 */
export async function findVerifier(password: string, verifiers: readonly string[]): Promise<string | undefined> {
  const slowHashes = new Map<string, Buffer>();
  let found: string | undefined;
  for (const verifier of verifiers) {
    const fits = fitsSha256(password, verifier) ?? (await fitsArgon2id(password, verifier, slowHashes));
    if (fits) found = verifier;
  }
  return found;
}

/** Whether a password fits the verifier of a generated one; undefined where that is no such verifier. */
export function fitsSha256(password: string, verifier: string): boolean | undefined {
  const [, salt, hash] = SHA256_FORM.exec(verifier) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  return timingSafeEqual(sha256(salt, password), Buffer.from(hash, 'base64url'));
}

/** @param known Hashes of this password that were made already, by costs and salt. */
async function fitsArgon2id(password: string, verifier: string, known: Map<string, Buffer>): Promise<boolean> {
  const [, memory, passes, parallelism, salt, expected] = ARGON2_FORM.exec(verifier) ?? [];
  if (salt === undefined || expected === undefined) return false;
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism), tagLength: 32 };
  if (cost.memory > ARGON2_MEMORY_MAX || cost.passes > ARGON2_PASSES_MAX) return false;
  const costAndSalt = verifier.slice(0, verifier.lastIndexOf('$'));
  const hash = known.get(costAndSalt) ?? (await argon2id(password, Buffer.from(salt, 'base64url'), cost));
  known.set(costAndSalt, hash);
  return timingSafeEqual(hash, Buffer.from(expected, 'base64url'));
}

/** A verifier that no password fits, so that an unknown user costs as much work as a known one. */
export const NOBODYS_VERIFIER = `sha256$${'A'.repeat(22)}$${'A'.repeat(43)}`;

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
