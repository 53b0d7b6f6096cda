/** A whole relay in the process of a test: ports, spool, delivery and pages, on the configuration that a test gives it. */
import path from 'node:path';
import type { TestContext } from 'node:test';
import { ensureCertificates, type OwnCertificates } from '../../operator/certificates/self-signed.ts';
import type { RelayConfig } from '../../relay/config/config.ts';
import { type Relay, type RelayOptions, startRelay } from '../../relay/main.ts';
import { writeConfig } from './config-folder.ts';
import { folderOf } from './folder.ts';
import { captureLog } from './queued.ts';

/** Where a relay that has one folder for everything finds its configuration, and keeps its mail. */
export function foldersIn(folder: string) {
  return {
    configFolder: path.join(folder, 'relay'),
    spoolFolder: path.join(folder, 'spool'),
    captureFolder: path.join(folder, 'outbox'),
  };
}

export async function certificatesIn(folder: string): Promise<OwnCertificates> {
  return ensureCertificates(path.join(folder, 'tls'), { hostnames: ['localhost'] });
}

/** On free ports of this machine alone, with all that it keeps in one folder. */
export async function startRelayIn(
  folder: string,
  options: Pick<RelayOptions, 'log'> & Partial<Omit<RelayOptions, 'certificates'>> & { certificates?: OwnCertificates },
): Promise<Relay & { readonly ca: string }> {
  const { certificates = await certificatesIn(folder) } = options;
  const relay = await startRelay({
    ...foldersIn(folder),
    host: '127.0.0.1',
    ports: [0],
    implicitTlsPorts: [],
    http: { host: '127.0.0.1', port: 0 },
    ...options,
    certificates,
  });
  return { ...relay, ca: certificates.ca };
}

/** @param config default: none, until it is configured. */
export async function startWholeRelay(t: Pick<TestContext, 'after'>, config?: RelayConfig) {
  const folder = await folderOf(t);
  const configure = (next: RelayConfig): Promise<void> => writeConfig(foldersIn(folder).configFolder, next);
  if (config !== undefined) await configure(config);
  const { log, lines } = captureLog();
  const relay = await startRelayIn(folder, { log });
  t.after(() => relay.close());
  return {
    port: relay.ports[0] ?? 0,
    ca: relay.ca,
    httpPort: relay.httpPort,
    lines,
    configure: async (next: RelayConfig) => {
      await configure(next);
      await relay.reload();
    },
  };
}
