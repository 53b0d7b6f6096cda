/** Certificates for `localhost`, of a CA of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type OwnCertificates, ensureCertificates } from '../../operator/certificates/self-signed.ts';

export async function certificates(): Promise<OwnCertificates> {
  const folder = await mkdtemp(path.join(tmpdir(), 'certificates-'));
  try {
    return await ensureCertificates(folder, { hostnames: ['localhost'] });
  } finally {
    await rm(folder, { recursive: true });
  }
}
