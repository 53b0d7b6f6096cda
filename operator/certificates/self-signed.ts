/**
 * A relay's own certificate authority and certificate, made at first start and kept in a folder. The CA's key signs
 * once more when the certificate nears its end or the host names change; clients trust the CA (`ca.crt`), so that
 * neither concerns them. A class with certificates of its own never gets here.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Authority } from './make.ts';
import { uncovered } from './pair.ts';

export interface OwnCertificates {
  /** PEM of the CA, for clients. */
  readonly ca: string;
  /** PEM of the certificate, with the CA behind it. */
  readonly cert: string;
  /** PEM of the certificate's key (PKCS #8). */
  readonly key: string;
  readonly notAfter: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** What Apple's clients, the strictest, take of a private CA is 825 days. */
const LEAF_DAYS = 365;
const RENEW_DAYS = 30;

/**
 * The certificates in `folder`, made or renewed where they are missing, near their end or for other names.
 * Throws where the folder cannot be read or written, or holds something that is no certificate.
 */
export async function ensureCertificates(
  folder: string,
  { hostnames, now = new Date() }: { hostnames: readonly string[]; now?: Date },
): Promise<OwnCertificates> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const ca = (await readAuthority(folder, now)) ?? (await createAuthority(folder, now));
  const kept = await readLeaf(folder, { ca, hostnames, now });
  return kept ?? (await createLeaf(folder, { ca, hostnames, now }));
}

async function readAuthority(folder: string, now: Date): Promise<Authority | undefined> {
  const [pem, key] = [await readIfThere(folder, 'ca.crt'), await readIfThere(folder, 'ca.key')];
  if (pem === undefined || key === undefined) return undefined;
  const certificate = new X509Certificate(pem);
  // a damaged key is to be noticed now, and not when it is to sign once more
  createPrivateKey(key);
  const isNearItsEnd = new Date(certificate.validTo).getTime() - now.getTime() < LEAF_DAYS * DAY_MS;
  return isNearItsEnd ? undefined : { pem: certificate.toString(), key };
}

/** What makes certificates takes a tenth of a second to load, and is needed once a year. */
const maker = () => import('./make.ts');

async function createAuthority(folder: string, now: Date): Promise<Authority> {
  const { makeAuthority } = await maker();
  const ca = await makeAuthority(now);
  await write(folder, 'ca.key', ca.key);
  await write(folder, 'ca.crt', ca.pem);
  return ca;
}

async function readLeaf(
  folder: string,
  { ca, hostnames, now }: { ca: Authority; hostnames: readonly string[]; now: Date },
): Promise<OwnCertificates | undefined> {
  const [cert, key] = [await readIfThere(folder, 'tls.crt'), await readIfThere(folder, 'tls.key')];
  if (cert === undefined || key === undefined) return undefined;
  const leaf = new X509Certificate(cert);
  const notAfter = new Date(leaf.validTo);
  const isCurrent = notAfter.getTime() - now.getTime() > RENEW_DAYS * DAY_MS;
  const isOurs = leaf.verify(new X509Certificate(ca.pem).publicKey) && leaf.checkPrivateKey(createPrivateKey(key));
  const hasNames = uncovered(leaf, hostnames).length === 0;
  return isCurrent && isOurs && hasNames ? { ca: ca.pem, cert, key, notAfter } : undefined;
}

async function createLeaf(
  folder: string,
  { ca, hostnames, now }: { ca: Authority; hostnames: readonly string[]; now: Date },
): Promise<OwnCertificates> {
  const { makeLeaf } = await maker();
  const leaf = await makeLeaf(ca, { hostnames, now, days: LEAF_DAYS });
  const cert = `${leaf.pem}${ca.pem}`;
  await write(folder, 'tls.key', leaf.key);
  await write(folder, 'tls.crt', cert);
  return { ca: ca.pem, cert, key: leaf.key, notAfter: leaf.notAfter };
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
