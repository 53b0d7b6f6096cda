/** The application of the examples: what it sends, and what of that has arrived. */
import assert from 'node:assert/strict';
import { until } from '../support/eventually.ts';
import { kubectl } from './kubectl.ts';
import type { Job, Reply } from './pods/jobs.ts';
import { received, receivedIds, startSending } from './programs.ts';

export const SHOP = 'shop';
export const FROM = 'Orders <orders@shop.example>';
/** Longest that anything here may take on a slow machine. */
export const SETTLED_MS = 180_000;
/** Of a relay that ends, or of one that has ended: a client that sends again hears the next one. */
export const PASSING = /^421 |ECONNREFUSED|ECONNRESET|Connection closed|socket|Greeting never received|timeout/i;

/** Mail comes in over the port that the Secret names, by four connections, until it is told to end. */
export function startLoad(options: Pick<Job, 'isEachAnew' | 'pauseMs'> = {}): ReturnType<typeof startSending> {
  return startSending(SHOP, { kind: 'load', ports: [{ port: 587 }], from: FROM, ...options });
}

/** All answers to the mail that comes in during the work, which begins when the first has arrived. */
export async function underLoad(
  work: () => Promise<void>,
  options: Parameters<typeof startLoad>[0] = {},
): Promise<readonly Reply[]> {
  const before = (await receivedIds()).length;
  const load = startLoad(options);
  // what goes wrong in it is told at the end, once what the work has stopped goes on again
  load.output.catch(() => undefined);
  try {
    await until(async () => (await receivedIds()).length > before, { ms: SETTLED_MS });
    await work();
  } finally {
    load.end();
  }
  return load.output;
}

/** Each different answer but the last to any message, without what is of one message alone. */
export function heardIn(replies: readonly Reply[]): string[] {
  return [...new Set(replies.flatMap(({ heard }) => heard))];
}

/** Resolves to what to say of it, once each message that was acknowledged has come; fails where one was refused for good. */
export async function allArrived(replies: readonly Reply[]): Promise<string> {
  assert.deepEqual(
    replies.filter(({ reply }) => !reply.startsWith('250 ')),
    [],
  );
  assert.ok(replies.length > 0, 'nothing was sent');
  const duplicates = await countDuplicates(replies);
  const repeated = replies.filter(({ tries }) => tries > 1).length;
  return `${replies.length} acknowledged and delivered; ${repeated} sent more than once, ${duplicates} came twice`;
}

/** Of those that were acknowledged, all of which are waited for. */
export async function countDuplicates(replies: readonly Reply[]): Promise<number> {
  const ids = replies.filter(({ reply }) => reply.startsWith('250 ')).map(({ id }) => id);
  await until(async () => (await countOf(ids)).every((count) => count > 0), { ms: SETTLED_MS });
  return (await countOf(ids)).filter((count) => count > 1).length;
}

export async function arrived(id: string) {
  return until(
    async () => {
      const mails = (await received()).filter((mail) => mail.id === id);
      return mails.length > 0 ? mails : undefined;
    },
    { ms: SETTLED_MS },
  );
}

/** How often each message has come. */
export async function countOf(ids: readonly string[]): Promise<number[]> {
  const counts = new Map<string, number>();
  for (const id of await receivedIds()) counts.set(id, (counts.get(id) ?? 0) + 1);
  return ids.map((id) => counts.get(id) ?? 0);
}

/** Resolves once all relays have it. */
export async function setActive(active: boolean): Promise<void> {
  await patchOrders({ active });
  await untilProgrammed();
}

export async function patchOrders(spec: object): Promise<void> {
  await kubectl(['patch', 'spu/orders', '-n', SHOP, '--type=merge', '--patch', JSON.stringify({ spec })]);
}

export async function untilProgrammed(): Promise<void> {
  const { generation } = (
    JSON.parse(await kubectl(['get', 'spu/orders', '-n', SHOP, '-o', 'json'])) as { metadata: { generation: number } }
  ).metadata;
  const isThere = `jsonpath={.status.observedGeneration}=${generation}`;
  await kubectl(['wait', `--for=${isThere}`, 'spu/orders', '-n', SHOP, '--timeout=180s']);
  await kubectl(['wait', '--for=condition=Programmed', 'spu/orders', '-n', SHOP, '--timeout=180s']);
}
