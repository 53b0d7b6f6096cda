/** The fingerprint of a certificate: relays say on `/configz` which one they use, and the operator recognises it. */
import { X509Certificate } from 'node:crypto';

/** SHA-256, as X509Certificate says it. @param cert PEM; of a chain, the first counts. */
export function fingerprintOf(cert: string): string {
  return new X509Certificate(cert).fingerprint256;
}
