/** Makes certificates: for one process (self-signed.ts), and for relays on a cluster (own-offer.ts). */
import 'reflect-metadata'; // @peculiar/x509 throws at load without it
import * as x509 from '@peculiar/x509';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

export interface Authority {
  /** The authority's certificate. */
  readonly pem: string;
  /** PEM (PKCS #8). */
  readonly key: string;
}

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** Clients' clocks may be slow. */
const BACKDATE_MS = 60 * 60 * 1000;

export async function makeAuthority(now: Date, days = CA_DAYS): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      // some clients look authorities up by their name alone, and for a while there are two
      name: `CN=smtp-plus CA ${randomBytes(4).toString('hex')}`,
      ...validity(now, days),
      keys,
      signingAlgorithm: KEY_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { pem: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
}

/** A server's certificate, signed by the authority. */
export async function makeLeaf(
  ca: Authority,
  { hostnames, now, days }: { readonly hostnames: readonly string[]; readonly now: Date; readonly days: number },
): Promise<{ readonly pem: string; readonly key: string; readonly notAfter: Date }> {
  const issuer = new x509.X509Certificate(ca.pem);
  const der = createPrivateKey(ca.key).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const names = hostnames.map((name) => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name }));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: 'CN=smtp-plus relay',
      issuer: issuer.subject,
      ...validity(now, days),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: KEY_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const key = await pemOf(keys.privateKey);
  return { pem: `${certificate.toString('pem')}\n`, key, notAfter: certificate.notAfter };
}

function validity(now: Date, days: number) {
  return { notBefore: new Date(now.getTime() - BACKDATE_MS), notAfter: new Date(now.getTime() + days * DAY_MS) };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}
