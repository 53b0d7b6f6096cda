/** The relay under test, in a process of its own; its configuration is written by the benchmark. */
import path from 'node:path';
import { createLog } from '../../relay/log.ts';
import { startRelay } from '../../relay/main.ts';
import { ensureCertificates } from '../../operator/self-signed.ts';

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
process.send?.({ port: relay.ports[0] });
