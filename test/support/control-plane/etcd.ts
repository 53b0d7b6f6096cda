import path from 'node:path';
import { startGuarded, waitUntilReady, type Guarded } from './process.ts';

export interface Etcd {
  readonly url: string;
  /** Forgets every old revision, so that a watch that asks for one is answered 410 Gone. */
  readonly compact: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** One member, without fsync: what a test stores need not survive a power cut. */
export async function startEtcd(
  program: string,
  folder: string,
  ports: { client: number; peer: number },
): Promise<Etcd> {
  const url = `http://127.0.0.1:${ports.client}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  const log = path.join(folder, 'etcd.log');
  const args = [
    `--data-dir=${path.join(folder, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
  const etcd: Guarded = startGuarded(program, args, log);
  await waitUntilReady(etcd, log, async () => (await fetch(`${url}/health`)).ok);
  return { url, stop: etcd.stop, compact: () => compact(url) };
}

async function compact(url: string): Promise<void> {
  const range = await post(url, 'kv/range', { key: 'AA==', limit: 1 });
  await post(url, 'kv/compaction', { revision: range.header.revision, physical: true });
}

async function post(url: string, method: string, body: object): Promise<{ header: { revision: string } }> {
  const response = await fetch(`${url}/v3/${method}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd ${method}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { header: { revision: string } };
}
