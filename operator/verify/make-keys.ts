/** Makes the keys that mail of a domain is signed with, and says what is kept of them. */
import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { DkimGeneration, DkimKeyPair, DkimKeys } from '../core/senders/dkim-model.ts';
import { formatTime } from '../core/time.ts';

const generate = promisify(generateKeyPair);

/**
 * Receivers must take up to 2048 bits, and need not take more (RFC 8301 section 3.2). Ed25519 besides, for those who know
 * it (RFC 8463).
 */
const RSA_BITS = 2048;
/** Length of a selector's tag: two namespaces, or installations, with the same domain must not share a selector. */
const TAG_BYTES = 4;

export async function makeKeys(now: Date): Promise<DkimGeneration> {
  const tag = randomBytes(TAG_BYTES).toString('hex');
  const [rsa, ed25519] = await Promise.all([
    generate('rsa', { modulusLength: RSA_BITS }),
    // the types know no call without options
    generate('ed25519', {}),
  ]);
  return {
    createdTime: formatTime(now),
    keys: [
      pairOf('rsa-sha256', `smtpplus-${tag}-rsa`, rsa),
      pairOf('ed25519-sha256', `smtpplus-${tag}-ed25519`, ed25519),
    ],
  };
}

function pairOf(
  algorithm: DkimKeyPair['algorithm'],
  selector: string,
  { privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
): DkimKeyPair {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return {
    algorithm,
    selector,
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    // RFC 8463 section 4.2: the key alone, which is the end of the structure
    publicKey: (algorithm === 'rsa-sha256' ? spki : spki.subarray(-ED25519_BYTES)).toString('base64'),
  };
}

const ED25519_BYTES = 32;

/** As they are kept. What does not parse is as good as lost: new ones are made. */
export const keysSchema: z.ZodType<DkimKeys> = z.object({
  domain: z.string(),
  generations: z.array(
    z.object({
      createdTime: z.iso.datetime(),
      retiredTime: z.iso.datetime().optional(),
      keys: z.array(
        z.object({
          algorithm: z.enum(['rsa-sha256', 'ed25519-sha256']),
          selector: z.string(),
          privateKey: z.base64(),
          publicKey: z.base64(),
        }),
      ),
    }),
  ),
});
