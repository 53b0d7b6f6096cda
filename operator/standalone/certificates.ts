import type { OwnCertificates } from '../certificates/self-signed.ts';
import type { Log } from '../../relay/observe/log.ts';

/** Files change when somebody renews them; ours are renewed weeks before their end. Often enough for both. */
const LOOK_MS = 60_000;

/** Certificates that are looked at again while the process runs: a year is shorter than the life of a server. */
export interface CertificateKeeper {
  readonly current: OwnCertificates;
  readonly onRenewal: (take: (certificates: OwnCertificates) => void) => void;
  readonly close: () => void;
}

/** @param make reads the certificates, or makes them; rejects where it cannot, which is fatal the first time only. */
export async function keepCertificates(
  make: () => Promise<OwnCertificates>,
  { log, lookMs = LOOK_MS }: { readonly log: Log; readonly lookMs?: number },
): Promise<CertificateKeeper> {
  let current = await make();
  let listener: (certificates: OwnCertificates) => void = () => undefined;

  async function look(): Promise<void> {
    try {
      const next = await make();
      if (next.cert === current.cert && next.key === current.key) return;
      listener(next);
      current = next;
      log.info({ event: 'certificate', notAfter: next.notAfter.toISOString() }, 'new certificate in force');
    } catch (error) {
      log.error({ event: 'certificate', err: error }, 'the new certificate cannot be used; the old one stays in force');
    }
  }

  const timer = setInterval(() => void look(), lookMs);
  timer.unref();
  return {
    get current() {
      return current;
    },
    onRenewal: (take) => {
      listener = take;
    },
    close: () => clearInterval(timer),
  };
}
