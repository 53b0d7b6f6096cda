/** The load generator, in a process of its own: so many connections, reused or one for each message, for so long. */
import { openClient } from './client.ts';
import { messageOf, type Login } from './message.ts';

export interface LoadOrder {
  readonly port: number;
  readonly login: Login;
  readonly connections: number;
  /** A new connection for each message. */
  readonly isOneShot: boolean;
  readonly size: number;
  readonly seconds: number;
}

export interface LoadReport {
  readonly accepted: number;
  readonly seconds: number;
  /** Milliseconds from the content to the final reply, in no order. */
  readonly waits: readonly number[];
  /** What went wrong, with its count. */
  readonly failures: Readonly<Record<string, number>>;
}

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());

async function run(order: LoadOrder): Promise<LoadReport> {
  const content = messageOf(order.login.from, order.size);
  const waits: number[] = [];
  const failures: Record<string, number> = {};
  const open = () => openClient(order.port, order.login);
  const clients = order.isOneShot ? [] : await Promise.all(Array.from({ length: order.connections }, open));
  const began = performance.now();
  const end = began + order.seconds * 1000;
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures[why] = (failures[why] ?? 0) + 1;
      return false;
    }
  };
  await Promise.all(
    Array.from({ length: order.connections }, async (_, i) => {
      const reused = clients[i];
      while (performance.now() < end) {
        const done = await attempt(async () => {
          const client = reused ?? (await open());
          try {
            waits.push(await client.send(content));
          } finally {
            if (reused === undefined) await client.quit();
          }
        });
        if (!done && reused !== undefined) return;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  await Promise.allSettled(clients.map((client) => client.quit()));
  return { accepted: waits.length, seconds, waits, failures };
}
