import path from 'node:path';
import { writeConfiguration } from '../throughput/relay.ts';
import type { Growth } from './growth.ts';
import { runRelay } from './running-relay.ts';

/** Below those that the kernel gives to clients. */
const FIRST = 20_000;

/** What ports cost: as many as a Service may have, at the most. */
export const ports: Growth = {
  name: 'ports',
  title: 'A relay by its ports',
  of: 'ports',
  sizes: [1, 10, 100, 1000, 3977],
  values: ['start, s', 'memory, MB'],
  measure: async (size, place) => {
    await writeConfiguration(path.join(place.folder, 'relay'), { users: 1 });
    const { group, startSeconds } = await runRelay(place, `${FIRST}-${FIRST + size - 1}`);
    const megabytes = group.megabytes();
    await group.stop();
    return [startSeconds, megabytes];
  },
};
