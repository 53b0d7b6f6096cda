/**
 * What a DKIM signature costs: CPU of a message, and how long the event loop is busy with it, as ratios to a bare signature
 * by `crypto.sign`, which holds up everybody else for as long as it takes. And what the hash of a body costs, as a ratio to
 * SHA-256 alone.
 */
import { createHash, createPrivateKey, sign as signNow } from 'node:crypto';
import { createBodyHash } from '../../relay/dkim/body-hash.ts';
import { createSigning } from '../../relay/dkim/sign-message.ts';
import { createMetrics } from '../../relay/observe/metrics.ts';
import { aSigner } from '../support/dkim.ts';
import { aMessage, captureLog, inMemory } from '../support/queued.ts';
import { aConfig } from '../support/relay-config.ts';

const MESSAGES = 2000;
const AT_ONCE = 20;

const HEADER =
  'From: orders@shop.example\r\nTo: jane@customer.example\r\nSubject: Your order\r\nDate: Mon, 2 Jan 2006 15:04:05 +0000\r\n' +
  'Message-ID: <1@shop.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n';
const body = Buffer.from('A line of ordinary text, of about seventy characters, as mails have.\r\n'.repeat(145));
const whole = Buffer.concat([Buffer.from(HEADER), body]);
const { signer } = aSigner();

interface Cost {
  /** Microseconds of all threads. */
  readonly cpu: number;
  /** Microseconds of the thread of the event loop. */
  readonly loop: number;
}

async function measure(doSome: () => unknown): Promise<Cost> {
  for (let i = 0; i < 200; i++) await doSome();
  const [cpu, loop] = [process.cpuUsage(), process.threadCpuUsage()];
  for (let i = 0; i < MESSAGES; i += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, doSome));
  const own = process.threadCpuUsage(loop);
  const all = process.cpuUsage(cpu);
  return { cpu: (all.user + all.system) / MESSAGES, loop: (own.user + own.system) / MESSAGES };
}

function bodyHash(): string {
  const hash = createBodyHash();
  hash.push(body);
  return hash.digest();
}

async function signing(algorithms: readonly string[]): Promise<Cost> {
  const keys = signer.keys.filter(({ algorithm }) => algorithms.includes(algorithm));
  const config = aConfig({ dkim: { 'shop/shop-example': { ...signer, keys } } });
  const sign = createSigning({ config: () => config, metrics: createMetrics(), log: captureLog().log });
  const message = aMessage({ content: whole, bodyHash: bodyHash() });
  return measure(() => sign(message, inMemory(whole)));
}

const [rsa] = signer.keys;
const key = createPrivateKey({ key: Buffer.from(rsa?.privateKey ?? '', 'base64'), format: 'der', type: 'pkcs8' });
const bare = await measure(() => signNow('sha256', whole.subarray(0, 600), key));
const plain = await measure(() => createHash('sha256').update(body).digest('base64'));
const rows: readonly (readonly [string, Cost, Cost])[] = [
  ['bare RSA signature on the event loop', bare, bare],
  ['message signed with RSA', await signing(['rsa-sha256']), bare],
  ['message signed with Ed25519', await signing(['ed25519-sha256']), bare],
  ['message signed with both', await signing(['rsa-sha256', 'ed25519-sha256']), bare],
  ['SHA-256 of 10 KB', plain, plain],
  ['body hash of 10 KB', await measure(bodyHash), plain],
];
for (const [name, { cpu, loop }, unit] of rows) {
  const ratios = `${(cpu / unit.cpu).toFixed(2)} of its CPU, ${(loop / unit.loop).toFixed(2)} of its loop`;
  console.log(
    `${name.padEnd(38)} ${cpu.toFixed(0).padStart(5)} us CPU ${loop.toFixed(0).padStart(5)} us loop  ${ratios}`,
  );
}
