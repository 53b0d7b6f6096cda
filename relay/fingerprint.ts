/** Of a certificate: how relays tell on `/configz` which one they use, and how the operator knows it again. */
import { X509Certificate } from 'node:crypto';

/** SHA-256, as X509Certificate says it. @param cert PEM; of a chain, the first counts. */
export function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}
