/**
 * `npm run bench:fairness`: how long mail of a small sender takes from the spool to its smart host, alone and beside others:
 * 100,000 messages of another namespace at the same smart host, and 500 smart hosts that hang after the dot.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDelivery } from '../../relay/delivery/deliver.ts';
import type { ListConfig } from '../../relay/config/config.ts';
import { openSpool, type Spool } from '../../relay/spool/spool.ts';
import { configured } from '../support/delivering.ts';
import { until } from '../support/eventually.ts';
import { aMessage, captureLog, createMetrics, inMemory } from '../support/queued.ts';
import { aList } from '../support/relay-config.ts';
import { aSmartHost } from '../support/upstream.ts';

const FLOOD = Number(process.env['BENCH_MESSAGES'] ?? 100_000);
const HANGING = 500;
const PROBES = 200;
const EACH_MS = 25;
const AT_ONCE = 1000;

/** By recipient, when its message was whole. */
const arrivals = new Map<string, number>();
const smartHost = await startServer(true);
const tarpit = await startServer(false);

await measure('alone', {}, async () => {});
await measure(`beside ${FLOOD} messages of another namespace at the same smart host`, {}, async (spool) => {
  await putAll(spool, FLOOD, () => ({ namespace: 'flood', user: 'news.flood' }));
});
const one = hangingLists(() => 'hog');
await measure(`beside ${HANGING} smart hosts of another namespace that hang`, one.lists, async (spool) => {
  await putAll(spool, HANGING * 3, one.senderOf);
});
const many = hangingLists((i) => `hog-${i}`);
await measure(`beside ${HANGING} smart hosts of as many namespaces that hang`, many.lists, async (spool) => {
  await putAll(spool, HANGING * 3, many.senderOf);
});
process.exit();

async function measure(what: string, others: Record<string, ListConfig>, prepare: (spool: Spool) => Promise<void>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-fairness-'));
  const { log } = captureLog();
  const metrics = createMetrics();
  const spool = await openSpool(path.join(folder, 'spool'), { metrics, log, reserveBytes: () => 0 });
  await prepare(spool);
  const config = configured(aSmartHost(smartHost), { others, settings: { finalDotSeconds: 600, commandSeconds: 600 } });
  const delivery = startDelivery({ spool, config: () => config, captureFolder: folder, metrics, log });
  // what hangs takes its places first
  await sleep(1000);
  const waits = await probe(spool);
  const at = (share: number) => `${(waits[Math.floor((waits.length - 1) * share)] ?? Number.NaN).toFixed(0)} ms`;
  process.stdout.write(`${what}: p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)} (${waits.length} messages)\n`);
  await delivery.close();
  await spool.close();
  await rm(folder, { recursive: true });
}

/** Times from the acknowledgement of messages to their end at the smart host, in order. */
async function probe(spool: Spool): Promise<number[]> {
  const sent = new Map<string, number>();
  for (let i = 0; i < PROBES; i++) {
    const message = aMessage();
    const address = `${message.id}@probe.example`;
    await spool.put({ ...message, envelope: { ...message.envelope, recipients: [{ address }] } }, inMemory());
    sent.set(address, performance.now());
    await sleep(EACH_MS);
  }
  await until(() => [...sent.keys()].every((address) => arrivals.has(address)), {
    what: 'all of them arrived',
    ms: 600_000,
  });
  const waits = [...sent].map(([address, time]) => Math.max(0, (arrivals.get(address) ?? Number.NaN) - time));
  return waits.sort((a, b) => a - b);
}

async function putAll(spool: Spool, count: number, senderOf: (i: number) => object): Promise<void> {
  const all = Array.from({ length: count }, (_, i) => aMessage(senderOf(i)));
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    await Promise.all(all.slice(begun, begun + AT_ONCE).map((message) => spool.put(message, inMemory())));
  }
}

/** Each list is an upstream of its own, by another number of connections. */
function hangingLists(namespaceOf: (i: number) => string) {
  const names = Array.from({ length: HANGING }, (_, i) => ({
    namespace: namespaceOf(i),
    list: `${namespaceOf(i)}/l${i}`,
  }));
  const lists = names.map(({ list }, i) => [list, aList({ upstream: aSmartHost(tarpit, { maxConnections: 3 + i }) })]);
  return {
    lists: Object.fromEntries(lists) as Record<string, ListConfig>,
    senderOf: (i: number) => ({ ...names[i % HANGING], user: `user-${i % HANGING}` }),
  };
}

/** Enough SMTP for one message after the other; one that does not answer the dot is a tarpit. */
async function startServer(isWell: boolean): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    let [rest, to, isData] = ['', '', false];
    socket.on('error', () => {});
    socket.write('220 host\r\n');
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (let end = endOf(rest, isData); end >= 0; end = endOf(rest, isData)) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + (isData ? 5 : 2));
        if (isData && !isWell) return;
        if (isData) arrivals.set(to, performance.now());
        if (line.startsWith('RCPT')) to = /<(.*)>/.exec(line)?.[1] ?? '';
        const isGoAhead = !isData && line === 'DATA';
        isData = isGoAhead;
        socket.write(
          isGoAhead ? '354 go on\r\n' : line.startsWith('EHLO') ? '250-host\r\n250 PIPELINING\r\n' : '250 ok\r\n',
        );
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

function endOf(text: string, isData: boolean): number {
  return text.indexOf(isData ? '\r\n.\r\n' : '\r\n');
}
