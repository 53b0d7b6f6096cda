/** DNS servers on loopback: a real authoritative one (Debian's `nsd`), and one that answers whatever a test wants. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { until } from './eventually.ts';
import { folderOf } from './folder.ts';

type Ends = Pick<TestContext, 'after'>;

export interface DnsServer {
  /** `ADDRESS:PORT`. */
  readonly address: string;
  /** Serves these records of `example.`, in the form of a zone file, instead of those before. */
  readonly serve: (records: readonly string[]) => Promise<void>;
}

/** Somebody else may take the port between the choice and the start. */
const STARTS = 5;

/** Is authoritative for `example.`, and answers REFUSED for all else. */
export async function startNsd(t: Ends, records: readonly string[] = []): Promise<DnsServer> {
  const folder = await folderOf(t);
  let serial = 1;
  await writeFile(join(folder, 'zone'), zoneFile(records, serial));
  const { address, reload } = await spawnNsd(t, folder, serial);
  return {
    address,
    serve: async (after) => {
      serial++;
      await writeFile(join(folder, 'zone'), zoneFile(after, serial));
      reload();
      await untilServed(address, serial);
    },
  };
}

async function spawnNsd(t: Ends, folder: string, serial: number, starts = STARTS) {
  const address = `127.0.0.1:${await freePort()}`;
  await writeFile(join(folder, 'nsd.conf'), configuration(folder, address));
  const child = spawn('nsd', ['-d', '-c', join(folder, 'nsd.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const exited = once(child, 'exit');
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await exited;
  });
  const isServing = await Promise.race([untilServed(address, serial).then(() => true), exited.then(() => false)]);
  if (isServing) return { address, reload: () => child.kill('SIGHUP') };
  if (starts === 1) throw new Error(`nsd does not start:\n${said}`);
  return spawnNsd(t, folder, serial, starts - 1);
}

function zoneFile(records: readonly string[], serial: number): string {
  const head = [`@ 60 IN SOA ns.example. admin.example. ${serial} 60 60 60 60`, '@ IN NS ns', 'ns IN A 127.0.0.1'];
  return ['$ORIGIN example.', '$TTL 60', ...head, ...records, ''].join('\n');
}

function configuration(folder: string, address: string): string {
  const files = ['pidfile', 'xfrdfile', 'zonelistfile'].map((option) => `  ${option}: "${join(folder, option)}"`);
  return [
    'server:',
    `  ip-address: ${address.replace(':', '@')}`,
    '  username: ""',
    '  chroot: ""',
    '  database: ""',
    `  zonesdir: "${folder}"`,
    ...files,
    'remote-control:',
    '  control-enable: no',
    'zone:',
    '  name: example',
    '  zonefile: zone',
    '',
  ].join('\n');
}

async function untilServed(address: string, serial: number): Promise<void> {
  await until(
    async () => {
      const resolver = new Resolver({ timeout: 200, tries: 1 });
      resolver.setServers([address]);
      return (await resolver.resolveSoa('example')).serial === serial;
    },
    { ms: 20_000 },
  );
}

/** Answers each question (a whole packet) with what `answer` makes of it; undefined: not at all. */
export async function startDnsServer(
  t: Ends,
  answer: (question: Buffer) => Buffer | undefined,
): Promise<{ readonly address: string; readonly questions: () => number }> {
  const socket = createSocket('udp4');
  let questions = 0;
  socket.on('message', (question, { address, port }) => {
    questions++;
    const packet = answer(question);
    if (packet !== undefined) socket.send(packet, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => void socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, questions: () => questions };
}

/** An answer without records, RFC 1035 section 4.1.1. */
export function answerWith(question: Buffer, rcode: number): Buffer {
  const packet = Buffer.from(question);
  packet.writeUInt16BE(0x8180 | rcode, 2);
  return packet;
}

/** The name that a question is about, RFC 1035 section 4.1.2, in lower case: resolvers may mix it against forgers. */
export function nameIn(question: Buffer): string {
  const labels: string[] = [];
  for (let at = HEADER; (question[at] ?? 0) > 0; at += 1 + (question[at] ?? 0)) {
    labels.push(question.toString('latin1', at + 1, at + 1 + (question[at] ?? 0)));
  }
  return labels.join('.').toLowerCase();
}

/** One TXT record, RFC 1035 section 3.3.14, of no more than 255 octets. */
export function answerWithTxt(question: Buffer, value: string): Buffer {
  // without what follows the question: EDNS options are none of a small answer's business
  const asked = question.subarray(0, HEADER + nameIn(question).length + 2 + TYPE_AND_CLASS);
  const head = answerWith(asked, 0);
  head.writeUInt16BE(1, ANSWERS);
  head.writeUInt16BE(0, ADDITIONAL);
  const record = Buffer.alloc(RECORD);
  record.writeUInt16BE(0xc000 | HEADER, 0);
  record.writeUInt16BE(TXT, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(60, 6);
  record.writeUInt16BE(value.length + 1, 10);
  record.writeUInt8(value.length, RECORD - 1);
  return Buffer.concat([head, record, Buffer.from(value, 'latin1')]);
}

const HEADER = 12;
const TYPE_AND_CLASS = 4;
const [ANSWERS, ADDITIONAL] = [6, 10];
const TXT = 16;
/** A pointer to the name, type, class, time to live, length, and the length of the string. */
const RECORD = 13;

/** Free for both: a name server listens for datagrams and connections. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
