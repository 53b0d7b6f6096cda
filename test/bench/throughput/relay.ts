/** The relay as it is deployed: bundled, its log in a file, started by its command. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  CLASS_FILE_NAME,
  SHARD_COUNT,
  shardDocumentSchema,
  shardFileName,
  shardOf,
  type ListConfig,
  type SessionSettings,
} from '../../../relay/config/config.ts';
import { sha256Verifier } from '../../../relay/password-hash.ts';
import { bundle, PROGRAMS } from '../../../tools/bundle.ts';
import { readLastStage } from '../../../tools/image/dockerfile.ts';
import { aClass, aList, aSender, aUser, LIST } from '../../support/relay-config.ts';
import { startGroup, type ProcessGroup } from '../process-group.ts';
import type { Contender } from './contender.ts';
import type { Login } from './message.ts';

/** Below node_modules, where its one package from outside is found. */
const BUILT = path.join(import.meta.dirname, '../../../node_modules/.cache/bench-relay');
const PASSWORD = randomBytes(24).toString('base64url');
/** What is measured is the relay, and not its limits on one client. */
const SESSION: Partial<SessionSettings> = { commands: 1e9, connections: 20_000, connectionsPerSource: 20_000 };
/** Few connections, as a provider allows. */
const SMART_HOST = {
  kind: 'smtp',
  host: '127.0.0.1',
  tls: 'None',
  maxConnections: 20,
  messagesPerConnection: 1000,
  recipientsPerTransaction: 50,
} as const;
const NOWHERE: ListConfig['upstream'] = { kind: 'unresolved', message: 'held for the benchmark' };

export function loginOf(i: number): Login {
  return { user: `app${i}.shop`, password: PASSWORD, from: `app${i}@shop.example` };
}

/**
 * @param delivers whether it hands mail on, or keeps it in its queue
 * @param flags more of them for its command
 */
export function relayContender(name: string, delivers: boolean, flags: readonly string[] = []): Contender {
  return {
    name,
    delivers,
    start: async ({ folder, port, smartHost }) => {
      const upstream = delivers ? { ...SMART_HOST, port: smartHost } : NOWHERE;
      await writeConfiguration(path.join(folder, 'relay'), { users: 1, upstream });
      return { group: startRelay(folder, String(port), flags), login: loginOf(1) };
    },
  };
}

export async function buildRelay(): Promise<void> {
  await bundle(PROGRAMS, BUILT);
}

/** How V8 and glibc deal with memory there is half of the result. */
function environmentOfImage(): Readonly<Record<string, string>> {
  const { Env } = readLastStage(readFileSync(path.join(import.meta.dirname, '../../../Dockerfile'), 'utf8'));
  const set = Env.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)] as const);
  return Object.fromEntries(set.filter(([name]) => name !== 'PATH'));
}

/** With a configuration in `relay` of the folder. */
export function startRelay(folder: string, ports: string, flags: readonly string[] = []): ProcessGroup {
  const places = ['--config', path.join(folder, 'relay'), '--state', path.join(folder, 'state')];
  const listening = ['--host', '127.0.0.1', '--ports', ports, '--http', '0'];
  return startGroup({
    command: process.execPath,
    args: [path.join(BUILT, 'cli.js'), 'relay', ...places, ...listening, ...flags],
    env: environmentOfImage(),
    logFile: path.join(folder, 'log'),
  });
}

export async function writeConfiguration(
  into: string,
  { users, upstream = NOWHERE }: { readonly users: number; readonly upstream?: ListConfig['upstream'] },
): Promise<void> {
  await mkdir(into, { recursive: true });
  const shards = Array.from({ length: SHARD_COUNT }, () =>
    shardDocumentSchema.parse({ version: 1, lists: {}, users: {}, namespaces: {} }),
  );
  const put = (section: 'lists' | 'users' | 'namespaces', key: string, value: unknown): void => {
    Object.assign(shards[shardOf(key)]?.[section] ?? {}, { [key]: value });
  };
  put('lists', LIST, aList({ upstream }));
  put('namespaces', 'shop', [aSender()]);
  for (let i = 1; i <= users; i++) {
    const credentials = [{ verifier: sha256Verifier(PASSWORD, randomBytes(16)) }];
    put('users', loginOf(i).user, aUser({ object: `shop/app${i}`, credentials, limits: { connections: 20_000 } }));
  }
  await writeFile(path.join(into, CLASS_FILE_NAME), JSON.stringify(aClass({ session: SESSION })));
  for (const [i, document] of shards.entries()) {
    await writeFile(path.join(into, shardFileName(i)), JSON.stringify(document));
  }
}
