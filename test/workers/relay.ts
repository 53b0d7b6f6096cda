/** A relay of several workers whose parent is the process of the test, and clients that reach one worker or another. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { RelayConfig } from '../../relay/config/config.ts';
import type { Relay } from '../../relay/main.ts';
import { writeConfig } from '../support/config-folder.ts';
import { until } from '../support/eventually.ts';
import { captureLog } from '../support/queued.ts';
import { PASSWORD, USER } from '../support/relay-config.ts';
import { ELSEWHERE, openSecureClient, plain, type SmtpClient } from '../support/smtp-client.ts';
import { foldersIn, startRelayIn } from '../support/whole-relay.ts';

export interface RelayOfWorkers {
  readonly relay: Relay;
  readonly folder: string;
  readonly spool: string;
  readonly ca: string;
  readonly lines: readonly Record<string, unknown>[];
  readonly configure: (config: RelayConfig) => Promise<void>;
  /** The process that is a worker now. */
  readonly pidOf: (worker: number) => number;
  /** Workers whose log has such a line. */
  readonly workersThat: (matches: (line: Record<string, unknown>) => boolean) => ReadonlySet<unknown>;
  readonly close: () => Promise<void>;
}

/** @param folder of one that ran before. Default: a new one. */
export async function startWorkers(
  t: TestContext,
  workers: number,
  { config, folder, port = 0 }: { config: RelayConfig; folder?: string; port?: number },
): Promise<RelayOfWorkers> {
  const ends = endsOf(t);
  const state = folder ?? (await mkdtemp(path.join(tmpdir(), 'relay-')));
  if (folder === undefined) ends.push(() => rm(state, { recursive: true, force: true }));
  const { configFolder, spoolFolder } = foldersIn(state);
  await writeConfig(configFolder, config);
  const { log, lines } = captureLog();
  const relay = await startRelayIn(state, { workers, ports: [port], log });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= relay.close().then(() => undefined));
  ends.push(close);
  return {
    relay,
    folder: state,
    spool: spoolFolder,
    ca: relay.ca,
    lines,
    configure: (next) => writeConfig(configFolder, next),
    pidOf: (worker) => {
      const line = lines.findLast((one) => one['msg'] === 'a worker takes mail' && one['worker'] === worker);
      return Number(line?.['pid']);
    },
    workersThat: (matches) =>
      new Set(lines.filter((line) => line['event'] !== 'worker' && matches(line)).map((line) => line['worker'])),
    close,
  };
}

const ends = new WeakMap<TestContext, (() => Promise<void>)[]>();

/** What is done at the end of a test, the last first: a folder goes when nobody writes into it any more. */
function endsOf(t: TestContext): (() => Promise<void>)[] {
  const known = ends.get(t);
  if (known !== undefined) return known;
  const fresh: (() => Promise<void>)[] = [];
  ends.set(t, fresh);
  t.after(async () => {
    for (const end of fresh.toReversed()) await end();
  });
  return fresh;
}

/** Which worker a connection reaches is the system's affair: one of them is missed for so long by one in 2^99 runs. */
const TRIES = 100;

/** Does it again and again, each time over a new connection, until so many workers have said this of it in their logs. */
export async function untilWorkers(
  relay: RelayOfWorkers,
  count: number,
  { act, says }: { act: (client: SmtpClient) => Promise<void>; says: (line: Record<string, unknown>) => boolean },
): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const client = await open(relay);
    await act(client);
    client.destroy();
    if (relay.workersThat(says).size >= count) return;
  }
  // lines of the last ones may be on their way
  await until(() => relay.workersThat(says).size >= count);
}

export async function open({ relay, ca }: RelayOfWorkers): Promise<SmtpClient> {
  return openSecureClient(relay.ports[0] ?? 0, { ca, ...ELSEWHERE });
}

export async function logIn(client: SmtpClient, password = PASSWORD): Promise<string> {
  return client.ask(`AUTH PLAIN ${plain(USER, password)}`);
}

/** The answer to a whole message to this address. */
export async function send(client: SmtpClient, to: string): Promise<string> {
  const answer = await client.ask('MAIL FROM:<orders@shop.example>');
  if (!answer.startsWith('250 ')) return answer;
  assert.match(await client.ask(`RCPT TO:<${to}>`), /^250 /);
  assert.match(await client.ask('DATA'), /^354 /);
  return client.ask('From: orders@shop.example\r\nSubject: hello\r\n\r\nhello\r\n.');
}

export async function page({ relay }: RelayOfWorkers, name: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${relay.httpPort}${name}`);
  return { status: response.status, text: await response.text() };
}

/** The sum of a metric over its labels. */
export async function metric(relay: RelayOfWorkers, name: string): Promise<number> {
  const { text } = await page(relay, '/metrics');
  const values = [...text.matchAll(new RegExp(`^smtpplus_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
  assert.ok(values.length > 0, `there is no metric ${name}`);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

export function isTaken(line: Record<string, unknown>): boolean {
  return line['result'] === 'accepted';
}
