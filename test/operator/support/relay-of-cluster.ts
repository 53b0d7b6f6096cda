/** A real relay that runs what the operator writes into Secrets, as a kubelet would hand it that. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createLog } from '../../../relay/log.ts';
import { startRelay } from '../../../relay/main.ts';
import { ensureCertificates } from '../../../operator/self-signed.ts';
import { folderOf } from '../../support/folder.ts';
import type { Admin } from './admin.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';

const LOOK_MS = 100;

export interface RelayOfCluster {
  readonly port: number;
  /** File with the CA that has signed its certificate. */
  readonly caFile: string;
  /** Its folder, with `outbox` in it. */
  readonly state: string;
}

/** Everything is captured, in `outbox`. */
export async function startRelayOfCluster(t: TestContext, admin: Admin): Promise<RelayOfCluster> {
  const state = await folderOf(t);
  const [configFolder, caFile] = [path.join(state, 'config'), path.join(state, 'ca.crt')];
  await mkdir(configFolder);
  const certificates = await ensureCertificates(path.join(state, 'tls'), { hostnames: ['localhost'] });
  await writeFile(caFile, certificates.ca);
  const relay = await startRelay({
    configFolder,
    spoolFolder: path.join(state, 'spool'),
    captureFolder: path.join(state, 'outbox'),
    certificates,
    host: '127.0.0.1',
    ports: [0],
    implicitTlsPorts: [],
    http: { host: '127.0.0.1', port: 0 },
    log: createLog({ write: () => undefined }),
  });
  let written = '';
  const look = async (): Promise<void> => {
    const answer = await admin.client.request<{ items: { data?: Record<string, string> }[] }>({
      method: 'GET',
      path: `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets?labelSelector=smtpplus.io/relay-config%3Ddefault`,
    });
    const documents = answer.ok ? answer.body.items.flatMap(({ data = {} }) => Object.entries(data)) : [];
    const digest = JSON.stringify(documents);
    if (digest === written) return;
    for (const [name, text] of documents) await writeFile(path.join(configFolder, name), Buffer.from(text, 'base64'));
    await relay.reload();
    written = digest;
  };
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      await look().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();
  t.after(async () => {
    over.abort();
    await looking;
    await relay.close();
  });
  return { port: relay.ports[0] ?? 0, caFile, state };
}
