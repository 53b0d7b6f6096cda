/**
 * A relay's own certificate authority and certificate, made at first start and kept in a folder. The CA's key signs
 * once more when the certificate nears its end or the host names change; clients trust the CA (`ca.crt`), so that
 * neither asks anything of them. A class with certificates of its own never gets here.
 */
import 'reflect-metadata'; // @peculiar/x509 throws at load without it
import * as x509 from '@peculiar/x509';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isIP } from 'node:net';

export interface Certificates {
  /** PEM of the CA, for clients. */
  readonly ca: string;
  /** PEM of the certificate, with the CA behind it. */
  readonly cert: string;
  /** PEM of the certificate's key (PKCS #8). */
  readonly key: string;
  readonly notAfter: Date;
}

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** What Apple's clients, the strictest, take of a private CA is 825 days. */
const LEAF_DAYS = 365;
const RENEW_DAYS = 30;
/** Clients' clocks may be slow. */
const BACKDATE_MS = 60 * 60 * 1000;

/**
 * The certificates in `folder`, made or renewed where they are missing, near their end or for other names.
 * Throws where the folder cannot be read or written, or holds something that is no certificate.
 */
export async function ensureCertificates(
  folder: string,
  { hostnames, now = new Date() }: { hostnames: readonly string[]; now?: Date },
): Promise<Certificates> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ca = (await readAuthority(folder, now)) ?? (await createAuthority(folder, now));
  const kept = await readLeaf(folder, { ca: ca.certificate, hostnames, now });
  return kept ?? (await createLeaf(folder, { ca, hostnames, now }));
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function readAuthority(folder: string, now: Date): Promise<Authority | undefined> {
  const [pem, keyPem] = [await readIfThere(folder, 'ca.crt'), await readIfThere(folder, 'ca.key')];
  if (pem === undefined || keyPem === undefined) return undefined;
  const certificate = new x509.X509Certificate(pem);
  if (certificate.notAfter.getTime() - now.getTime() < LEAF_DAYS * DAY_MS) return undefined;
  const der = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
  return { certificate, key: await webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, true, ['sign']) };
}

async function createAuthority(folder: string, now: Date): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=smtp-plus CA',
      ...validity(now, CA_DAYS),
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
  await write(folder, 'ca.key', await pemOf(keys.privateKey));
  await write(folder, 'ca.crt', `${certificate.toString('pem')}\n`);
  return { certificate, key: keys.privateKey };
}

async function readLeaf(
  folder: string,
  { ca, hostnames, now }: { ca: x509.X509Certificate; hostnames: readonly string[]; now: Date },
): Promise<Certificates | undefined> {
  const [cert, key] = [await readIfThere(folder, 'tls.crt'), await readIfThere(folder, 'tls.key')];
  if (cert === undefined || key === undefined) return undefined;
  const leaf = new X509Certificate(cert);
  const notAfter = new Date(leaf.validTo);
  const isCurrent = notAfter.getTime() - now.getTime() > RENEW_DAYS * DAY_MS;
  const isOurs =
    leaf.verify(new X509Certificate(ca.toString('pem')).publicKey) && leaf.checkPrivateKey(createPrivateKey(key));
  const hasNames = hostnames.every(
    (name) => (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined,
  );
  return isCurrent && isOurs && hasNames ? { ca: `${ca.toString('pem')}\n`, cert, key, notAfter } : undefined;
}

async function createLeaf(
  folder: string,
  { ca, hostnames, now }: { ca: Authority; hostnames: readonly string[]; now: Date },
): Promise<Certificates> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const names = hostnames.map((name) => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name }));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: 'CN=smtp-plus relay',
      issuer: ca.certificate.subject,
      ...validity(now, LEAF_DAYS),
      publicKey: keys.publicKey,
      signingKey: ca.key,
      signingAlgorithm: KEY_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names),
        await x509.AuthorityKeyIdentifierExtension.create(ca.certificate, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const authority = `${ca.certificate.toString('pem')}\n`;
  const [cert, key] = [`${certificate.toString('pem')}\n${authority}`, await pemOf(keys.privateKey)];
  await write(folder, 'tls.key', key);
  await write(folder, 'tls.crt', cert);
  return { ca: authority, cert, key, notAfter: certificate.notAfter };
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

async function readIfThere(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(path.join(folder, name), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function write(folder: string, name: string, text: string): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
}
