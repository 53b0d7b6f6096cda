/** A real relay that runs what the operator writes into Secrets, as a kubelet would hand it that. */
import { X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createLog } from '../../../relay/observe/log.ts';
import { folderOf } from '../../support/folder.ts';
import { certificatesIn, foldersIn, startRelayIn } from '../../support/whole-relay.ts';
import { decodeValues } from '../../../operator/manifests/secrets.ts';
import type { Admin } from './admin.ts';
import { OPERATOR_NAMESPACE } from './operator.ts';

const LOOK_MS = 100;

export interface RelayOfCluster {
  readonly port: number;
  /** With TLS from the first byte. */
  readonly implicitTlsPort: number;
  readonly httpPort: number;
  /** Its certificate, as a Secret holds it. */
  readonly tls: Readonly<Record<'tls.crt' | 'tls.key' | 'ca.crt', string>>;
  /** Its folder, with `outbox` in it. */
  readonly state: string;
}

/**
 * Everything is captured, in `outbox`.
 *
 * @param mounted Secret with its certificate, which it waits for, and follows. Default: it has one of its own
 */
export async function startRelayOfCluster(t: TestContext, admin: Admin, mounted?: string): Promise<RelayOfCluster> {
  const state = await folderOf(t);
  const { configFolder } = foldersIn(state);
  await mkdir(configFolder);
  const certificates =
    mounted === undefined ? await certificatesIn(state) : certificatesOf(await admin.secret(mounted));
  const log = createLog({ write: () => undefined });
  const relay = await startRelayIn(state, { certificates, implicitTlsPorts: [0], log });
  let written = '';
  let { cert: used } = certificates;
  const look = async (): Promise<void> => {
    const secret = mounted === undefined ? undefined : await admin.get('Secret', mounted);
    if (secret?.data !== undefined) {
      const next = certificatesOf(decodeValues(secret.data));
      if (next.cert !== used) relay.updateCertificates(next);
      used = next.cert;
    }
    const documents = await relayDocuments(admin);
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
  const { cert, key, ca } = certificates;
  return {
    port: relay.ports[0] ?? 0,
    implicitTlsPort: relay.implicitTlsPorts[0] ?? 0,
    httpPort: relay.httpPort,
    tls: { 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca },
    state,
  };
}

/** What the operator has written for the relays of the default class: names of files, with their content in base64. */
export async function relayDocuments({ client }: Admin): Promise<readonly (readonly [string, string])[]> {
  const answer = await client.request<{ items: { data?: Record<string, string> }[] }>({
    method: 'GET',
    path: `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets?labelSelector=smtpplus.io/relay-config%3Ddefault`,
  });
  return answer.ok ? answer.body.items.flatMap(({ data = {} }) => Object.entries(data)) : [];
}

function certificatesOf(data: Readonly<Record<string, string>>) {
  const { 'tls.crt': cert = '', 'tls.key': key = '', 'ca.crt': ca = '' } = data;
  return { cert, key, ca, notAfter: new Date(new X509Certificate(cert).validTo) };
}
