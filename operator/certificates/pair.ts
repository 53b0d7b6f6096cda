/** Reads a certificate with its key, and says what clients would object to. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';

export const pairSchema = z.object({
  /** PEM, with the chain behind it. */
  cert: z.string(),
  /** PEM. */
  key: z.string(),
});

export type Pair = z.infer<typeof pairSchema>;

/** Why clients would not take a certificate, or soon will not. The reason is that of the Event, and the label of the metric. */
export interface Trouble {
  readonly reason:
    | 'SecretNotFound'
    | 'CertificateUnreadable'
    | 'KeyMismatch'
    | 'CertificateNotYetValid'
    | 'CertificateExpired'
    | 'CertificateExpiring'
    | 'NamesNotCovered'
    | 'AuthorityUnknown'
    | 'NotWritten';
  /** For people. */
  readonly message: string;
}

export interface Chain {
  readonly leaf: X509Certificate;
  /** Behind the leaf. */
  readonly others: readonly X509Certificate[];
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Renewed at two thirds of its life, and still there at five sixths: something is wrong. */
const EXPIRING_SHARE = 1 / 6;

/** The certificates in a text, each as Node writes it, so that the same one is the same text. Throws where one is none. */
export function pemsIn(text: string): readonly string[] {
  return (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem).toString());
}

/** The certificates of a pair whose key is the leaf's, or what is wrong. */
export function readPair({ cert, key }: Pair): { readonly chain: Chain } | { readonly trouble: Trouble } {
  try {
    const [leaf, ...others] = pemsIn(cert).map((pem) => new X509Certificate(pem));
    if (leaf === undefined) return unreadable('tls.crt has no certificate in PEM');
    if (!leaf.checkPrivateKey(createPrivateKey(key))) {
      return { trouble: { reason: 'KeyMismatch', message: 'tls.key is not the key of the certificate in tls.crt' } };
    }
    return { chain: { leaf, others } };
  } catch {
    // what OpenSSL says of it may repeat what stands there
    return unreadable('tls.crt or tls.key is no PEM that can be read (keys with a passphrase cannot)');
  }
}

function unreadable(message: string): { readonly trouble: Trouble } {
  return { trouble: { reason: 'CertificateUnreadable', message } };
}

export interface Times {
  readonly notBefore: number;
  readonly notAfter: number;
}

export function timesOf({ validFrom, validTo }: X509Certificate): Times {
  return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) };
}

export function isDueForRenewal(certificate: X509Certificate, now: Date): boolean {
  const { notBefore, notAfter } = timesOf(certificate);
  return now.getTime() >= notBefore + (2 / 3) * (notAfter - notBefore);
}

export function uncovered(leaf: X509Certificate, names: readonly string[]): readonly string[] {
  return names.filter((name) => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) === undefined);
}

/**
 * What a client that verifies would refuse.
 *
 * @param authorities PEM of each that clients know; empty: those that every system knows, and nobody here does
 */
export function clientTroubles(
  { leaf, others }: Chain,
  { authorities, names, now }: { authorities: readonly string[]; names: readonly string[]; now: Date },
): readonly Trouble[] {
  const troubles: Trouble[] = [];
  const { notBefore, notAfter } = timesOf(leaf);
  if (now.getTime() < notBefore) {
    troubles.push({ reason: 'CertificateNotYetValid', message: `it is valid from ${iso(notBefore)} on` });
  }
  if (now.getTime() >= notAfter) {
    troubles.push({ reason: 'CertificateExpired', message: `it has expired at ${iso(notAfter)}` });
  }
  const missing = uncovered(leaf, names);
  if (missing.length > 0) {
    const message = `it is not for ${missing.join(', ')}, by which users are told to connect`;
    troubles.push({ reason: 'NamesNotCovered', message });
  }
  if (authorities.length > 0 && !isSignedBy([leaf, ...others], authorities)) {
    troubles.push({ reason: 'AuthorityUnknown', message: 'no authority in ca.crt has signed it' });
  }
  return troubles;
}

/** What people should see to before clients refuse it. */
export function expiryTrouble({ leaf }: Chain, now: Date): Trouble | undefined {
  const { notBefore, notAfter } = timesOf(leaf);
  const left = notAfter - now.getTime();
  if (left <= 0 || left >= EXPIRING_SHARE * (notAfter - notBefore)) return undefined;
  return { reason: 'CertificateExpiring', message: `it expires at ${iso(notAfter)}, and nothing has renewed it` };
}

/** Whether some part of the chain leads to one of them. */
function isSignedBy(chain: readonly X509Certificate[], authorities: readonly string[]): boolean {
  const known = authorities.map((pem) => new X509Certificate(pem));
  for (const [index, certificate] of chain.entries()) {
    if (known.some((one) => one.raw.equals(certificate.raw) || isIssuedBy(certificate, one))) return true;
    const issuer = chain[index + 1];
    if (issuer === undefined || !isIssuedBy(certificate, issuer)) return false;
  }
  return false;
}

export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.issuer === issuer.subject && certificate.verify(issuer.publicKey);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
