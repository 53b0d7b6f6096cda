/** A whole relay in the process of a test: ports, spool, delivery and pages, on the configuration that a test gives it. */
import path from 'node:path';
import type { TestContext } from 'node:test';
import { ensureCertificates } from '../../operator/certificates/self-signed.ts';
import type { RelayConfig } from '../../relay/config/config.ts';
import { startRelay } from '../../relay/main.ts';
import { writeConfig } from './config-folder.ts';
import { folderOf } from './folder.ts';
import { captureLog } from './queued.ts';

export async function startWholeRelay(t: Pick<TestContext, 'after'>, config: RelayConfig) {
  const folder = await folderOf(t);
  const configFolder = path.join(folder, 'config');
  await writeConfig(configFolder, config);
  const certificates = await ensureCertificates(path.join(folder, 'tls'), { hostnames: ['localhost'] });
  const { log, lines } = captureLog();
  const relay = await startRelay({
    configFolder,
    spoolFolder: path.join(folder, 'spool'),
    captureFolder: path.join(folder, 'outbox'),
    certificates,
    host: '127.0.0.1',
    ports: [0],
    implicitTlsPorts: [],
    http: { host: '127.0.0.1', port: 0 },
    log,
  });
  t.after(() => relay.close());
  return {
    port: relay.ports[0] ?? 0,
    ca: certificates.ca,
    httpPort: relay.httpPort,
    lines,
    configure: async (next: RelayConfig) => {
      await writeConfig(configFolder, next);
      await relay.reload();
    },
  };
}
