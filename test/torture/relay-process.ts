/** A whole relay in a process of its own, to be killed. Tells its ports when it takes mail. */
import path from 'node:path';
import { ensureCertificates } from '../../operator/self-signed.ts';
import { createLog } from '../../relay/log.ts';
import { startRelay } from '../../relay/main.ts';

const folder = process.argv[2] ?? '';
const certificates = await ensureCertificates(path.join(folder, 'tls'), { hostnames: ['localhost'] });
const relay = await startRelay({
  configFolder: path.join(folder, 'relay'),
  spoolFolder: path.join(folder, 'spool'),
  captureFolder: path.join(folder, 'outbox'),
  certificates,
  host: '127.0.0.1',
  ports: [0],
  implicitTlsPorts: [],
  http: { host: '127.0.0.1', port: 0 },
  log: createLog({ write: () => {} }),
});
process.send?.({ port: relay.ports[0], httpPort: relay.httpPort, ca: certificates.ca });
// whoever kills us may be gone itself
process.on('disconnect', () => process.exit());
