/** The smart host: takes most recipients, refuses some for good, and puts others off once. Notes what it said to whom. */
import type { TestContext } from 'node:test';
import { startUpstream } from '../support/upstream.ts';

export interface Sink {
  readonly port: number;
  /** Times that it took a message for a recipient. */
  readonly copies: ReadonlyMap<string, number>;
  /** Times that it refused one for good, and put one off. */
  readonly refusals: () => { readonly bounced: number; readonly deferred: number };
  readonly knows: (address: string) => boolean;
}

export async function startSink(t: Pick<TestContext, 'after'>): Promise<Sink> {
  const copies = new Map<string, number>();
  const bounced = new Map<string, number>();
  const late = new Set<string>();
  const upstream = await startUpstream(t as TestContext, {
    onRecipient: (address) => {
      if (address.startsWith('bounced-')) {
        bounced.set(address, (bounced.get(address) ?? 0) + 1);
        return '550 5.1.1 nobody here';
      }
      if (!address.startsWith('late-') || late.has(address)) return undefined;
      late.add(address);
      return '451 4.3.2 not now';
    },
    onContent: ({ from, to }) => {
      // reports of the relays are no mail of users
      if (from !== '') for (const address of to) copies.set(address, (copies.get(address) ?? 0) + 1);
      return undefined;
    },
  });
  return {
    port: upstream.port,
    copies,
    refusals: () => ({ bounced: [...bounced.values()].reduce((sum, one) => sum + one, 0), deferred: late.size }),
    knows: (address) => copies.has(address) || bounced.has(address),
  };
}
