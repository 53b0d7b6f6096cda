/** Gives a golden input to the directory adapter as files, and reads what it makes of them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { startDirectory } from '../../../operator/directory/adapter.ts';
import { listFiles } from '../../../operator/directory/mirror.ts';
import { hashSpec, openMemory } from '../../../operator/directory/memory.ts';
import type { RawObject } from '../../../operator/core/model.ts';
import { plan } from '../../../operator/core/plan.ts';
import { settingsSchema } from '../../../operator/settings/settings.ts';
import { openConfigFolder } from '../../../relay/config/folder.ts';
import { createLog } from '../../../relay/observe/log.ts';
import { folderOf, writeFiles } from '../../support/folder.ts';
import {
  isOwnSecret,
  keyOf,
  withoutSlowHashes,
  type EndState,
  type Golden,
  type SecretState,
} from '../../support/golden/end-state.ts';
import { reportOf } from '../../support/golden/relay-report.ts';

/** As the adapter reads it: `yes` needs quotes to be a text. */
const YAML = { version: '1.1' } as const;

export interface FolderRun {
  readonly read: () => Promise<EndState>;
  readonly hasSettled: () => boolean;
}

/** Secrets that a former run would have left lie in the state folder; everything else is among the manifests. */
export async function startOnFolder(t: TestContext, golden: Golden): Promise<FolderRun> {
  const { manifests, snapshot, installation } = golden;
  const own = manifests.filter(isOwnSecret);
  const state = await folderOf(t, {
    'relay/.keep': '',
    ...Object.fromEntries(own.map((secret) => [`secrets/${keyOf(secret)}.yaml`, stringify(secret, YAML)])),
  });
  await rememberStatuses(state, snapshot.objects);
  const folder = await folderOf(t);
  const others = manifests.filter((manifest) => !isOwnSecret(manifest));
  await writeFiles(
    folder,
    Object.fromEntries(others.map((one, index) => [`${index}.yaml`, stringify({ ...one, status: undefined }, YAML)])),
  );
  const log = createLog({ write: () => undefined });
  const config = await openConfigFolder(join(state, 'relay'), { log });
  const classes = Object.fromEntries([...snapshot.classes].map(([name, { settings }]) => [name, settings]));
  const main = snapshot.classes.get('default');
  const told = reportOf(snapshot.relayFacts?.get('default'));
  let isSettled = false;
  const directory = await startDirectory({
    folder,
    state,
    ignore: [],
    settings: { ...settingsSchema.parse({ verification: { dns: 'Disabled' } }), classes },
    secretGraceMs: 0,
    installation,
    ports: main?.ports ?? [],
    implicitTlsPorts: main?.implicitTlsPorts ?? [],
    caCertificate: main?.caCertificate,
    decide: (given, now) => plan(given, now, installation.issuer),
    relay: {
      configHashes: config.hashes,
      reload: config.reload,
      upstreams: () => told.upstreams,
      usage: () => ({ since: '2026-01-01T00:00:00Z', lists: {}, users: {} }),
      fullSince: () => told.fullSince,
    },
    relayHere: { port: undefined, implicitTlsPort: undefined, httpPort: 0, ca: () => '' },
    onSettled: () => {
      isSettled = true;
    },
    log,
  });
  t.after(async () => {
    await directory.close();
    config.close();
  });
  const ofPeople = others.filter(({ kind }) => kind === 'Secret');
  return {
    hasSettled: () => isSettled,
    read: async () => {
      const written = await readAll(join(state, 'secrets'));
      const secrets = [...ofPeople, ...written].map((secret) => [keyOf(secret as never), secretState(secret)] as const);
      const statuses = (await readAll(join(state, 'status'))).map(({ kind, metadata, status }) => {
        const { namespace, name } = metadata as { namespace: string; name: string };
        return [`${String(kind)} ${namespace}/${name}`, status] as const;
      });
      return { secrets: Object.fromEntries(secrets), statuses: Object.fromEntries(statuses) };
    },
  };
}

/** What a former run would remember, where the input says what the status was. */
async function rememberStatuses(state: string, objects: readonly RawObject[]): Promise<void> {
  const { memory } = await openMemory(join(state, 'memory'));
  for (const { kind, meta, spec, status } of objects) {
    if (status === undefined) continue;
    const { namespace, name, generation } = meta;
    memory.remember({ kind, namespace, name }, { generation, status, specHash: hashSpec(spec) }, '');
  }
  await memory.save();
}

type Document = Readonly<Record<string, unknown>>;

async function readAll(folder: string): Promise<Document[]> {
  const files = (await listFiles(folder)).filter((path) => path.endsWith('.yaml'));
  const texts = await Promise.all(files.map((path) => readFile(join(folder, path), 'utf8')));
  return texts.map((text) => parse(text, { version: '1.1' }) as Document);
}

function secretState(secret: Document): SecretState {
  const { labels = {}, annotations = {} } = secret['metadata'] as Partial<SecretState>;
  const plain = (secret['stringData'] ?? {}) as Record<string, string>;
  const encoded = Object.entries((secret['data'] ?? {}) as Record<string, string>);
  const decoded = encoded.map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]);
  return {
    type: (secret['type'] as string | undefined) ?? 'Opaque',
    labels,
    annotations: withoutSlowHashes(annotations),
    data: { ...plain, ...Object.fromEntries(decoded) },
  };
}
