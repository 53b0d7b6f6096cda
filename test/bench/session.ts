/**
 * `npm run bench:session`: CPU of the receiving half for one message of 5 kB, from its octets to the call that would store
 * it: commands, checks, trace fields, the line of the log. No TLS, no disk, no other process, so that a change of a few
 * microseconds shows. The least of ten runs counts.
 */
import type { Socket } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { createLog } from '../../relay/observe/log.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { replies } from '../../relay/replies.ts';
import { createSubmissionServer } from '../../relay/submission/server.ts';
import { certificates } from '../support/certificates.ts';
import { aClass, aConfig, aList, LIST, PASSWORD, USER } from '../support/relay-config.ts';
import { plain } from '../support/smtp-client.ts';
import { messageOf } from './throughput/message.ts';

const RUNS = 10;
const MESSAGE = messageOf('orders@shop.example', 5000);
const MESSAGES = Number(process.env['BENCH_MESSAGES'] ?? 5000);

const relayClass = aClass({ starttls: 'Optional', session: { commands: 1e9 } });
const config = aConfig({ relayClass, lists: { [LIST]: aList({ starttls: 'Optional' }) } });
const server = createSubmissionServer({
  certificate: await certificates(),
  hostname: 'relay.example',
  metrics: createMetrics(),
  log: createLog({ write: () => {} }),
  accept: ({ id }) => Promise.resolve(replies.accepted(id)),
  room: { refusal: () => undefined, use: (_bytes, write) => write(), incoming: () => {} },
  incomingFolder: '/nowhere',
  config: () => config,
});

const [client, socket] = duplexPair();
server.connect(socket as unknown as Socket);
const replied = countReplies(client);
await replied(1);
client.write(`EHLO client.example\r\nAUTH PLAIN ${plain(USER, PASSWORD)}\r\n`);
await replied(2);

const costs: number[] = [];
for (let run = 0; run < RUNS; run++) {
  const before = process.cpuUsage();
  for (let i = 0; i < MESSAGES; i++) await sendOne();
  const { user, system } = process.cpuUsage(before);
  costs.push((user + system) / MESSAGES);
}
console.log(`${Math.min(...costs).toFixed(1)} us of CPU a message (${costs.map((cost) => cost.toFixed(0)).join(' ')})`);
process.exit();

async function sendOne(): Promise<void> {
  client.write('MAIL FROM:<orders@shop.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n');
  await replied(3);
  client.write(MESSAGE);
  client.write('.\r\n');
  await replied(1);
}

/** Waits for so many replies more. */
function countReplies(from: Duplex): (more: number) => Promise<void> {
  const got = { replies: 0 };
  let text = '';
  let wake: () => void = () => undefined;
  from.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString('latin1')).split('\r\n');
    text = lines.pop() ?? '';
    got.replies += lines.filter((line) => line[3] !== '-').length;
    wake();
  });
  return async (more) => {
    while (got.replies < more) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    got.replies -= more;
  };
}
