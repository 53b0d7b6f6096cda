/**
 * What statuses say of mail while relays and the operator are killed again and again, compared with what the logs of the
 * relays say, and with what the smart host has seen. What is on disk of a relay that was killed tells exactly what it has
 * forgotten: the log without that is what the statuses have to say, to the last message and byte.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Traffic } from '../../operator/api/traffic.ts';
import { createAdmin, list, namespace, sender, user, type Admin } from '../operator/support/admin.ts';
import { install, OPERATOR_NAMESPACE } from '../operator/support/operator.ts';
import { relayDocuments } from '../operator/support/relay-of-cluster.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { type Applications, startApplications } from './clients.ts';
import { type Counts, countsOfLog, countsOfStatus, type LogLine, minus, sum, total } from './counts.ts';
import { startMortalOperator } from './operator.ts';
import { type Loss, type MortalRelay, startMortalRelay } from './relays.ts';
import { type Sink, startSink } from './sink.ts';

const RELAYS = 3;
const LISTS = ['shop/bills', 'shop/letters', 'shop/news'];
const USERS = ['shop/app', 'shop/bank', 'shop/cart', 'shop/desk', 'shop/edge', 'shop/farm'];
/** How often what the operator has written is handed on to the relays. */
const LOOK_MS = 1000;
/** Longer than a machine with other things to do takes to empty the queues, and to write the statuses after that. */
const DRAIN_MS = 600_000;
const STATUS_MS = 300_000;

export interface TrafficOptions {
  readonly messages: number;
  /** Of relays; with every second one the operator is killed, too. */
  readonly kills: number;
  readonly onKill?: (kills: number) => void;
  /** Somebody has seen enough: what was sent until then is judged. */
  readonly signal?: AbortSignal | undefined;
}

export interface TrafficResult {
  readonly kills: number;
  readonly acknowledged: number;
  /** Acknowledged, and the smart host was never asked to take it. */
  readonly lost: readonly string[];
  /** Acknowledged, and the log says something else of it, or nothing. */
  readonly mistold: readonly string[];
  /** On its way at a kill: acknowledged by nobody, and yet in the log, or at the smart host. */
  readonly unheard: number;
  /** At the smart host, and not in the log: the relay was killed between the two. */
  readonly unlogged: number;
  /** By what is counted, of all users together. */
  readonly totals: Readonly<Record<'log' | 'status' | 'sink', Readonly<Record<string, number>>>>;
  /** What the log says, without what was forgotten; it is to be what the statuses say. */
  readonly expected: Counts;
  readonly status: Counts;
  readonly losses: readonly Loss[];
}

export async function traffic(
  t: Pick<TestContext, 'after'>,
  folder: string,
  cluster: ControlPlane,
  { messages, kills, onKill = () => {}, signal }: TrafficOptions,
): Promise<TrafficResult> {
  const sink = await startSink(t);
  const admin = createAdmin(cluster, OPERATOR_NAMESPACE);
  t.after(() => admin.client.close());
  const operator = await startMortalOperator(cluster, await install(cluster), settingsFor(sink.port));
  t.after(operator.close);
  const passwords = await makeUsers(admin);
  const relays = await startRelays(t, folder, admin);
  await Promise.all(USERS.map((key) => admin.waitFor('SmtpPlusUser', key, 'Ready', 'True Ready')));
  const applications = startApplications(
    USERS.flatMap((key) =>
      relays.map(({ door }) => ({ login: loginOf(key), password: passwords.get(key) ?? '', door })),
    ),
    signal,
  );
  const losses: Loss[] = [];
  for (let kill = 0; kill < kills; kill++) {
    await applications.reached(Math.ceil(((kill + 1) * messages) / (kills + 1)));
    if (signal?.aborted === true) break;
    const [loss] = await Promise.all([relays[kill % RELAYS]?.kill(), kill % 2 === 1 ? operator.kill() : undefined]);
    if (loss !== undefined) losses.push(loss);
    onKill(kill + 1);
  }
  await applications.reached(messages);
  await applications.stop();
  await Promise.all(relays.map((relay) => isEmpty(relay, admin)));
  const lines = (await Promise.all(relays.map(({ lines: all }) => all()))).flat();
  const log = countsOfLog(lines, objectOf);
  const expected = minus(log, sum(...losses.map(({ counts }) => counts)));
  // what is told of use is looked at again and again: it comes to this, and stays so
  const status = await statusOnceItIs(expected, admin);
  return {
    kills,
    losses,
    expected,
    status,
    ...compare(applications, lines, sink),
    totals: totalsOf(log, status, sink),
  };
}

function settingsFor(port: number): unknown {
  return {
    classes: {
      default: {
        existingSenders: [{ shop: 'shop.example' }],
        upstream: { host: '127.0.0.1', port, tls: 'None' },
        delivery: { retryFirstSeconds: 0.2, retryMostSeconds: 1 },
      },
    },
  };
}

const loginOf = (key: string): string => key.split('/').toReversed().join('.');
const objectOf = (login: string): string => login.split('.').toReversed().join('/');

/** Resolves with their passwords. */
async function makeUsers(admin: Admin): Promise<ReadonlyMap<string, string>> {
  await admin.apply(
    namespace('shop'),
    sender('shop/own', { domain: 'shop.example' }),
    ...LISTS.map((key) => list(key, {})),
    ...USERS.map((key, index) => user(key, { listRef: { name: LISTS[index % LISTS.length]?.split('/')[1] } })),
  );
  const secrets = await Promise.all(USERS.map((key) => admin.secret(`${key}-smtp`)));
  return new Map(USERS.map((key, index) => [key, secrets[index]?.['password'] ?? '']));
}

async function startRelays(
  t: Pick<TestContext, 'after'>,
  folder: string,
  admin: Admin,
): Promise<readonly MortalRelay[]> {
  const relays = await Promise.all(
    Array.from({ length: RELAYS }, (_, number) =>
      startMortalRelay(path.join(folder, `${number}`), { admin, pod: `smtp-plus-relay-${number}`, objectOf }),
    ),
  );
  const over = new AbortController();
  let written = '';
  const handOn = async (): Promise<void> => {
    const documents = await relayDocuments(admin);
    const text = JSON.stringify(documents);
    if (text === written) return;
    await Promise.all(relays.map(({ configure }) => configure(documents)));
    written = text;
  };
  const handing = (async () => {
    while (!over.signal.aborted) {
      await handOn().catch(() => undefined);
      await sleep(LOOK_MS);
    }
  })();
  t.after(async () => {
    over.abort();
    await handing;
    for (const relay of relays) relay.close();
  });
  return relays;
}

async function isEmpty({ httpPort }: MortalRelay, admin: Admin): Promise<void> {
  const { token = '' } = await admin.secret(`${OPERATOR_NAMESPACE}/smtp-plus-default-metrics`);
  const headers = { authorization: `Bearer ${token}` };
  await eventually(
    async () => {
      const response = await fetch(`http://127.0.0.1:${await httpPort()}/metrics`, { headers });
      assert.match(await response.text(), /^smtpplus_spool_messages 0$/m);
    },
    { ms: DRAIN_MS },
  );
}

async function statusOnceItIs(expected: Counts, admin: Admin): Promise<Counts> {
  let found: Counts = new Map();
  const look = async (): Promise<void> => {
    const all = [...LISTS.map((key) => ['list', key]), ...USERS.map((key) => ['user', key])];
    const kinds: Record<string, string> = { list: 'SmtpPlusList', user: 'SmtpPlusUser' };
    const counts = await Promise.all(
      all.map(async ([kind = '', key = '']) => {
        const object = await admin.get(kinds[kind] ?? '', key);
        return countsOfStatus(`${kind} ${key}`, object?.status?.['traffic'] as Traffic | undefined);
      }),
    );
    found = sum(...counts);
    assert.deepEqual(minus(found, expected), new Map());
  };
  await eventually(look, { ms: STATUS_MS }).catch(() => undefined);
  return found;
}

function compare({ acknowledged }: Applications, lines: readonly LogLine[], sink: Sink) {
  const logged = new Map(
    lines.flatMap((line) =>
      line.msg === 'message' && line.result === 'accepted' ? [[line.messageId ?? '', line]] : [],
    ),
  );
  const arrived = new Set([...sink.copies.keys()].map((address) => `${address.split('-')[1]}@shop.example`));
  return {
    acknowledged: acknowledged.size,
    lost: [...acknowledged].filter(([, { to }]) => !to.every(sink.knows)).map(([id]) => id),
    mistold: [...acknowledged]
      .filter(([id, { to, size }]) => logged.get(id)?.recipients !== to.length || logged.get(id)?.size !== size)
      .map(([id]) => id),
    unheard: [...new Set([...logged.keys(), ...arrived])].filter((id) => !acknowledged.has(id)).length,
    unlogged: [...arrived].filter((id) => !logged.has(id)).length,
  };
}

function totalsOf(log: Counts, status: Counts, sink: Sink): TrafficResult['totals'] {
  const names = ['accepted', 'recipients', 'bytes', 'delivered', 'bounced', 'deferred', 'refused from_not_authorized'];
  const of = (counts: Counts) => Object.fromEntries(names.map((name) => [name, total(counts, name)]));
  const delivered = [...sink.copies.values()].reduce((all, one) => all + one, 0);
  return { log: of(log), status: of(status), sink: { delivered, ...sink.refusals() } };
}
