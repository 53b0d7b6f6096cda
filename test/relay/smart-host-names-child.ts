/**
 * Sends a message to each of some smart hosts, and tells which machine got it. Run by smart-host-names-child.sh, where
 * the name server of this file is the one of the machine: 127.0.0.3 is right, 127.0.0.9 is another one.
 */
import { createSocket } from 'node:dgram';
import type { TestContext } from 'node:test';
import { configured, emptied, startDelivering } from '../support/delivering.ts';
import { aMessage, inMemory } from '../support/queued.ts';
import { aSmartHost, ordinaryAnswers, startRawUpstream } from '../support/upstream.ts';

const ZONE: Record<string, readonly number[]> = {
  'mail.corp.example': [127, 0, 0, 9],
  'smtp.dev.svc.cluster.local': [127, 0, 0, 3],
  'smtp.dev': [127, 0, 0, 9],
};
const PORT = 2525;

/** RFC 1035 section 4: the question back, and the address where the zone has one. */
function answerTo(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const isForIPv4 = query.readUInt16BE(at + 1) === 1;
  const address = ZONE[labels.join('.')];
  const records = isForIPv4 && address !== undefined ? 1 : 0;
  const head = Buffer.from([...query.subarray(0, 2), 0x81, address === undefined ? 0x83 : 0x80, 0, 1, 0, records]);
  const record = records === 0 ? [] : [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...(address ?? [])];
  return Buffer.concat([head, Buffer.alloc(4), query.subarray(12, at + 5), Buffer.from(record)]);
}

const nameServer = createSocket('udp4');
nameServer.on('message', (query, { port, address }) => nameServer.send(answerTo(query), port, address));
await new Promise<void>((resolve) => nameServer.bind(53, '127.77.0.53', resolve));

// all of it ends with this process
const t = { after: () => {} } as unknown as TestContext;
const right = await startRawUpstream(t, { host: '127.0.0.3', port: PORT, answer: ordinaryAnswers() });
const other = await startRawUpstream(t, { host: '127.0.0.9', port: PORT, answer: ordinaryAnswers() });
for (const [what, host] of [
  ['hosts file', 'mail.corp.example'],
  ['search list', 'smtp.dev'],
  ['final dot', 'smtp.dev.'],
] as const) {
  const before = [right.connections(), other.connections()];
  const relay = await startDelivering(t, configured(aSmartHost(PORT, { host })));
  await relay.spool.put(aMessage(), inMemory());
  await emptied(relay);
  const reached = [right.connections() - (before[0] ?? 0), other.connections() - (before[1] ?? 0)];
  process.stdout.write(`${what}: ${{ '1,0': 'the right one', '0,1': 'the other one' }[reached.join()]}\n`);
}
process.exit();
