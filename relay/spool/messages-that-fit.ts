/** How many messages may wait: each takes memory for as long as it does, and a relay that runs out of memory dies. */
import { getHeapStatistics } from 'node:v8';

/** An entry, its id, its places in the maps and queues that hold it; measured with `npm run bench:queue`, and rounded up. */
const BYTES_PER_MESSAGE = 250;
/** The rest of the memory is for sessions and for messages under way. */
const SHARE = 0.5;

/** @param heapBytes default: what this process may use. */
export function messagesThatFit(heapBytes: number = getHeapStatistics().heap_size_limit): number {
  return Math.floor((heapBytes * SHARE) / BYTES_PER_MESSAGE);
}
