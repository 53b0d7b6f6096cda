import path from 'node:path';
import { median } from '../table.ts';
import { openClient } from '../throughput/client.ts';
import { loginOf, writeConfiguration } from '../throughput/relay.ts';
import type { Growth } from './growth.ts';
import { runRelay } from './running-relay.ts';

const LOGINS = 200;

/** What a relay makes of the configuration of very many users. */
export const users: Growth = {
  name: 'users',
  title: 'A relay by the users of its configuration',
  of: 'users',
  sizes: [100, 1000, 10_000, 100_000],
  values: ['start, s', 'memory, MB', 'AUTH p50, ms', 'AUTH p99, ms'],
  measure: async (size, place) => {
    await writeConfiguration(path.join(place.folder, 'relay'), { users: size });
    const { group, port, startSeconds } = await runRelay(place);
    try {
      const times: number[] = [];
      for (let i = 0; i < LOGINS; i++) {
        // each another user: nobody has been looked up before
        const client = await openClient(port, loginOf(1 + Math.floor((i * size) / LOGINS)));
        times.push(client.authMs);
        await client.quit();
      }
      const p99 = times.toSorted((a, b) => a - b)[Math.floor((LOGINS - 1) * 0.99)] ?? Number.NaN;
      return [startSeconds, group.megabytes(), median(times), p99];
    } finally {
      await group.stop();
    }
  },
};
