import path from 'node:path';
import { median } from '../table.ts';
import { openClient, type LoadClient } from '../throughput/client.ts';
import { loginOf, writeConfiguration } from '../throughput/relay.ts';
import type { Growth } from './growth.ts';
import { runRelay } from './running-relay.ts';

const AT_ONCE = 20;
const PROBES = 20;

/** What clients cost that have logged in over TLS and say nothing. */
export const connections: Growth = {
  name: 'connections',
  title: 'A relay by its idle TLS connections',
  of: 'connections',
  sizes: [1, 10, 100, 1000, 10_000],
  values: ['memory, MB', 'one more log-in, ms', 'log-ins a second'],
  measure: async (size, place) => {
    await writeConfiguration(path.join(place.folder, 'relay'), { users: 1 });
    const { group, port } = await runRelay(place);
    const held: LoadClient[] = [];
    try {
      const began = performance.now();
      const open = async (): Promise<void> => {
        while (held.length + opening < size) {
          opening += 1;
          held.push(await openClient(port, loginOf(1)));
          opening -= 1;
        }
      };
      let opening = 0;
      await Promise.all(Array.from({ length: AT_ONCE }, open));
      const rate = size / ((performance.now() - began) / 1000);
      const times: number[] = [];
      for (let i = 0; i < PROBES; i++) {
        const start = performance.now();
        const client = await openClient(port, loginOf(1));
        times.push(performance.now() - start);
        await client.quit();
      }
      return [group.megabytes(), median(times), rate];
    } finally {
      for (const client of held) client.destroy();
      await group.stop();
    }
  },
};
