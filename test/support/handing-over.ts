/** Relays of a fleet, as far as hand-overs go: a spool each, and what takes and gives mail. */
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createHandover, type PlaceInFleet } from '../../relay/handover/handover.ts';
import type { RelayConfig } from '../../relay/config/config.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { folderOf } from './folder.ts';
import { captureLog, createMetrics } from './queued.ts';
import { aClass, aConfig } from './relay-config.ts';

export const FLEET_KEY = 'ab'.repeat(32);

/** @param relays how many there are to be */
export function aFleetConfig(relays: number, key = FLEET_KEY): RelayConfig {
  return aConfig({ relayClass: aClass({ handover: { key, relays } }) });
}

export interface SideOptions {
  readonly name: string;
  readonly config?: RelayConfig;
  readonly peers?: PlaceInFleet['peers'];
  /** Takes mail of others. Default: true. */
  readonly isTaking?: boolean;
  readonly folder?: string;
  readonly reserveBytes?: number;
  readonly namespacePercent?: number;
  /** In place of what the spool says. */
  readonly refusal?: Spool['refusal'];
  readonly unsureMs?: number;
}

export async function openSide(t: TestContext, options: SideOptions) {
  const {
    name,
    config = aFleetConfig(1),
    peers = [],
    isTaking = true,
    reserveBytes = 0,
    namespacePercent = 100,
    unsureMs,
  } = options;
  const folder = options.folder ?? path.join(await folderOf(t), name);
  const { log, lines } = captureLog();
  const metrics = createMetrics();
  const spool = await openSpool(folder, {
    metrics,
    log,
    reserveBytes: () => reserveBytes,
    namespacePercent: () => namespacePercent,
  });
  const host = '127.0.0.1';
  const handover = createHandover({
    fleet: { name, peers, host, port: isTaking ? 0 : undefined },
    spool: { ...spool, ...(options.refusal !== undefined && { refusal: options.refusal }) },
    config: () => config,
    metrics,
    log,
    ...(unsureMs !== undefined && { unsureMs }),
  });
  const resumed: string[] = [];
  await handover.start(({ id }) => void resumed.push(id));
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await handover.close();
    await spool.close();
  };
  t.after(close);
  return {
    spool,
    handover,
    metrics,
    lines,
    folder,
    resumed,
    close,
    address: { host, port: handover.port() ?? 0 },
    ids: () => [...spool.entries()].map(({ id }) => id),
  };
}
