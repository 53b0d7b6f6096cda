/** The delivering half as it is in a relay: a real spool in a temporary folder, and delivery with short times. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { DeliverySettings, ListConfig, RelayConfig, UpstreamConfig } from '../../relay/config/config.ts';
import { deliverySettingsSchema } from '../../relay/config/config.ts';
import { type Delivery, startDelivery } from '../../relay/delivery/deliver.ts';
import { createMetrics, type Metrics } from '../../relay/observe/metrics.ts';
import type { SystemLookup } from '../../relay/delivery/resolve.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { until } from './eventually.ts';
import { captureLog } from './queued.ts';
import { aClass, aConfig, aList, LIST } from './relay-config.ts';

export interface DeliveringRelay {
  readonly spool: Spool;
  readonly delivery: Delivery;
  readonly metrics: Metrics;
  readonly lines: Record<string, unknown>[];
  readonly outbox: string;
  readonly setConfig: (config: RelayConfig) => void;
  /** What still lies in the spool. */
  readonly left: () => string[];
}

const QUICK: Partial<DeliverySettings> = {
  retryFirstSeconds: 0.02,
  retryMostSeconds: 0.05,
  connectSeconds: 1,
  commandSeconds: 1,
  finalDotSeconds: 1,
};

export function configured(
  upstream: UpstreamConfig | undefined,
  {
    settings = {},
    list = {},
    others = {},
  }: { settings?: Partial<DeliverySettings>; list?: Partial<ListConfig>; others?: Record<string, ListConfig> } = {},
): RelayConfig {
  return aConfig({
    relayClass: aClass({ delivery: deliverySettingsSchema.parse({ ...QUICK, ...settings }) }),
    lists: { ...(upstream === undefined ? {} : { [LIST]: aList({ upstream, ...list }) }), ...others },
  });
}

export async function startDelivering(
  t: TestContext,
  first: RelayConfig,
  { folder: given, now, lookup }: { folder?: string; now?: () => number; lookup?: SystemLookup } = {},
): Promise<DeliveringRelay> {
  const folder = given ?? (await mkdtemp(path.join(tmpdir(), 'delivery-')));
  const outbox = path.join(folder, 'outbox');
  const { log, lines } = captureLog();
  const metrics = createMetrics();
  const spool = await openSpool(path.join(folder, 'spool'), { metrics, log, reserveBytes: () => 0 });
  // what the spool said at its start
  lines.length = 0;
  let config = first;
  const delivery = startDelivery({
    spool,
    config: () => config,
    captureFolder: outbox,
    metrics,
    log,
    lookup,
    ...(now === undefined ? {} : { now }),
  });
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await delivery.close();
    await spool.close();
  };
  t.after(async () => {
    await close();
    // only now: whatever is being delivered writes into it
    if (given === undefined) await rm(folder, { recursive: true, force: true });
  });
  return {
    spool,
    delivery: { ...delivery, close },
    metrics,
    lines,
    outbox,
    setConfig: (next) => {
      config = next;
      delivery.wake();
    },
    left: () => [...spool.entries()].map(({ id }) => id),
  };
}

export async function emptied({ left }: DeliveringRelay): Promise<void> {
  await until(() => left().length === 0, { what: 'the spool is empty' });
}

export function said({ lines }: DeliveringRelay, message: string): Record<string, unknown>[] {
  return lines.filter(({ msg }) => msg === message);
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
