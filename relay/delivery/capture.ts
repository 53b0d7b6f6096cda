/**
 * The capture upstream, for development and tests: takes messages as a smart host would, and writes each into a folder
 * instead of sending it. It never deletes anything, so the folder grows: it is not meant for production.
 *
 *   ID.eml    the content, octet for octet
 *   ID.json   its envelope: {id, time, user, list, from, recipients}; written last, so once it is there both are whole
 *
 * What the guard of a list redirected is a copy of its own, `ID-redirected`.
 *
 * Some recipients are refused at RCPT already (submission/provoked-refusal.ts). Local parts that provoke what an upstream
 * can do wrong, at any domain:
 *
 * | recipient     | answer                                                         |
 * |---------------|----------------------------------------------------------------|
 * | tempfail@     | 451 each time: retried until the message expires, then bounced |
 * | tempfail-N@   | 451 to the first N attempts, then taken                        |
 * | permfail@     | 550: bounced                                                   |
 * | disconnect@   | the connection breaks: retried                                 |
 * | hang@         | no answer for ten seconds, then as a time-out: retried         |
 * | hang-N@       | the same after N seconds                                       |
 * | slow-N@       | taken after N seconds                                          |
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { piecesOf } from './content.ts';
import type { PendingRecipient, Verdict } from '../spool/record.ts';
import type { Transport, TransportTransaction } from './transport.ts';
import { deferred, readReply } from './upstream-reply.ts';

const PROVOCATION = /^(tempfail|permfail|disconnect|hang|slow)(?:-([0-9]{1,4}))?@/;

/** Long enough to look like a hang. A real time-out takes minutes (`commandSeconds`), which nobody would wait for. */
const HANG_SECONDS = 10;

/** Enough for any test; a folder on a slow disk should not hold up smart hosts. */
const AT_ONCE = 20;

async function waitFor(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal, ref: false }).catch(() => {});
}

export function createCapture(folder: string, { hangSeconds = HANG_SECONDS } = {}): Transport {
  const closing = new AbortController();

  async function answer({ address }: PendingRecipient, attempts: number, signal: AbortSignal): Promise<Verdict> {
    const [, what = '', number] = PROVOCATION.exec(address) ?? [];
    switch (what) {
      case 'tempfail':
        return attempts < Number(number ?? Infinity)
          ? readReply('451 4.3.0 Provoked by recipient', 'RCPT').verdict
          : taken;
      case 'permfail':
        return readReply('550 5.1.1 Provoked by recipient', 'RCPT').verdict;
      case 'disconnect':
        return deferred('4.4.2', 'connection closed (provoked by recipient)');
      case 'hang':
        await waitFor(Number(number ?? hangSeconds), signal);
        return deferred('4.4.2', 'timed out (provoked by recipient)');
      case 'slow':
        await waitFor(Number(number ?? 1), signal);
        return taken;
      default:
        return taken;
    }
  }

  return {
    label: 'capture',
    limit: () => AT_ONCE,
    deliver: async (transaction, calledOff) => {
      const { recipients, attempts } = transaction;
      const signal = AbortSignal.any([closing.signal, calledOff]);
      const verdicts = new Map(
        await Promise.all(recipients.map(async (one) => [one.address, await answer(one, attempts, signal)] as const)),
      );
      const isRefused = [...verdicts.values()].some(({ outcome }) => outcome !== 'delivered');
      if (signal.aborted) return { kind: 'broken', verdict: deferred('4.3.2', 'broken off'), wasSent: false };
      try {
        if (transaction.isAllOrNothing !== true || !isRefused) await write(folder, transaction, verdicts);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'fault';
        const verdict = deferred('4.3.1', `capture folder cannot be written: ${code}`);
        return { kind: 'unreachable', verdict, isOurFault: true };
      }
      return { kind: 'answered', verdicts, dsnPassedOn: false };
    },
    sweep: () => {},
    close: () => closing.abort(),
  };
}

const taken = readReply('250 2.0.0 Captured', 'content').verdict;

async function write(
  folder: string,
  transaction: TransportTransaction,
  verdicts: ReadonlyMap<string, Verdict>,
): Promise<void> {
  const { id, user, list, received, envelope, content } = transaction;
  const recipients = transaction.recipients
    .map(({ address }) => address)
    .filter((address) => verdicts.get(address)?.outcome === 'delivered');
  if (recipients.length === 0) return;
  await mkdir(folder, { recursive: true });
  // the copy for a recipient in place of others is not the same
  const isRedirected = transaction.recipients.some(({ redirectedFrom }) => redirectedFrom !== undefined);
  const file = path.join(folder, isRedirected ? `${id}-redirected` : id);
  // a later attempt brings the recipients that an earlier one deferred, and after a crash some that are there already
  const before = await readRecipients(`${file}.json`);
  const record = {
    id,
    time: received,
    user,
    list,
    from: envelope.from,
    recipients: [...new Set([...before, ...recipients])],
  };
  await writeFile(`${file}.eml.tmp`, piecesOf(content));
  await writeFile(`${file}.json.tmp`, `${JSON.stringify(record, undefined, 2)}\n`);
  await rename(`${file}.eml.tmp`, `${file}.eml`);
  await rename(`${file}.json.tmp`, `${file}.json`);
}

async function readRecipients(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? [] : (JSON.parse(text) as { recipients: string[] }).recipients;
}
