/** Around all files: SMTP+ is installed once, with the examples and an application of theirs, and in the end taken away. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { install, loadImage, uninstall } from './install.ts';
import { kubectl } from './kubectl.ts';
import { removePods, startApplication, startSmartHost } from './programs.ts';
import { SHOP } from './shop.ts';

const EXAMPLES = path.join(import.meta.dirname, '../../examples');

export async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-plus-cluster-'));
  try {
    await loadImage(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await install();
  await startSmartHost();
  await kubectl(['apply', '-k', EXAMPLES]);
  await kubectl(['wait', '--for=condition=Ready', 'spu/orders', 'spu/staging', '-n', SHOP, '--timeout=120s']);
  // all files together send more than the example allows in an hour
  const patch = JSON.stringify({ spec: { limits: { messagesPerHour: 1_000_000 } } });
  await kubectl(['patch', 'spl/transactional', '-n', SHOP, '--type=merge', '--patch', patch]);
  await startApplication(SHOP, 'orders-smtp');
}

export async function globalTeardown(): Promise<void> {
  await kubectl(['delete', 'namespace', SHOP, '--ignore-not-found', '--timeout=300s']);
  await removePods();
  await uninstall();
}
