/** The directory adapter with the core and the relay's own configuration reader; no sockets. */
import assert from 'node:assert/strict';
import type { KnownUpstreams } from '../../relay/observe/upstream-report.ts';
import type { UsageReport } from '../../relay/observe/usage-report.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';
import { startDirectory } from '../../operator/directory/adapter.ts';
import { openInstallation } from '../../operator/directory/installation-file.ts';
import { createDecider } from '../../operator/core/decider.ts';
import { settingsSchema } from '../../operator/settings/settings.ts';
import { openConfigFolder } from '../../relay/config/folder.ts';
import { createLog } from '../../relay/observe/log.ts';
import { until } from './eventually.ts';
import { writeFiles } from './folder.ts';

/** A VerifiedSender that the settings verify. */
export const sender = `apiVersion: smtpplus.io/v1alpha1
kind: VerifiedSender
metadata: {name: shop-example, namespace: shop}
spec: {domain: shop.example}
`;
/** A SmtpPlusUser of the namespace shop. */
export const user = (name: string, spec = 'active: true'): string => `apiVersion: smtpplus.io/v1alpha1
kind: SmtpPlusUser
metadata: {name: ${name}, namespace: shop}
spec: {${spec}}
`;
const SETTINGS = {
  verification: { dns: 'Disabled' },
  classes: { default: { existingSenders: [{ shop: 'shop.example' }] } },
};

const NOTHING_USED: UsageReport = { since: '2026-01-01T00:00:00Z', lists: {}, users: {} };

export interface AdapterOptions {
  readonly secretGraceMs?: number;
  readonly idleMs?: number;
  readonly askMs?: number;
  /** What the relay tells of itself. */
  readonly told?: { upstreams: KnownUpstreams; fullSince: Date | undefined; usage?: UsageReport };
  readonly usageHoldMs?: number;
  readonly prune?: boolean;
  /** As in the settings file. */
  readonly settings?: object;
  /** Files in the folder that are no manifests. */
  readonly ignore?: readonly string[];
  /** Whether the relay takes what it is given at present. Default: it does. */
  readonly isReading?: () => boolean;
}

/** The adapter on a folder with these files, and the relay's view of what it writes. */
export async function startAdapter(
  t: Pick<TestContext, 'after'>,
  folder: string,
  state: string,
  options: AdapterOptions = {},
) {
  const {
    secretGraceMs = 5000,
    idleMs = 60_000,
    prune = false,
    settings = SETTINGS,
    ignore = [],
    askMs,
    usageHoldMs,
  } = options;
  const { isReading = () => true } = options;
  const { told = { upstreams: [], fullSince: undefined } } = options;
  const lines: string[] = [];
  const log = createLog({ write: (line) => void lines.push(line) });
  await writeFiles(state, { 'relay/.keep': '' });
  const config = await openConfigFolder(join(state, 'relay'), { log });
  t.after(config.close);
  const opened = await openInstallation(state);
  assert.ok('installation' in opened);
  const { installation } = opened;
  let settled = 0;
  let inForce = config.hashes();
  const directory = await startDirectory({
    folder,
    state,
    ignore,
    settings: settingsSchema.parse(settings),
    secretGraceMs,
    idleMs,
    askMs,
    usageHoldMs,
    prune,
    installation,
    ports: [2525],
    implicitTlsPorts: [],
    caCertificate: 'PEM of this relay',
    decide: createDecider(installation.issuer),
    relay: {
      configHashes: () => {
        if (isReading()) inForce = config.hashes();
        return inForce;
      },
      reload: config.reload,
      upstreams: () => told.upstreams,
      fullSince: () => told.fullSince,
      usage: () => told.usage ?? NOTHING_USED,
    },
    relayHere: { port: undefined, implicitTlsPort: undefined, httpPort: 0, ca: () => '' },
    onSettled: () => void (settled += 1),
    log,
  });
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await directory.close();
  };
  t.after(close);
  await until(() => {
    if (settled === 0) throw new Error(lines.join(''));
    return true;
  });
  return {
    close,
    lines,
    user: (name: string) => config.current()?.users.get(name),
    unusable: (name: string) => config.current()?.unusable.get(name),
    settled: () => settled,
  };
}

export async function passwordIn(state: string, name: string): Promise<string> {
  return (await secretIn(state, name))['password'] ?? assert.fail();
}

/** What a Secret holds, decoded. */
export async function secretIn(state: string, name: string): Promise<Readonly<Record<string, string>>> {
  const { data } = parse(await readFile(join(state, 'secrets', 'shop', `${name}.yaml`), 'utf8'));
  const entries = Object.entries<string>(data);
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

/** `STATUS REASON` of each condition, by type. */
export async function conditionsIn(
  state: string,
  kind: string,
  name: string,
): Promise<Readonly<Record<string, string>>> {
  const { status } = parse(await readFile(join(state, 'status', kind, 'shop', `${name}.yaml`), 'utf8'));
  return Object.fromEntries(
    status.conditions.map(({ type, status, reason }: Record<string, string>) => [type, `${status} ${reason}`]),
  );
}
