/** Of what relays count together: that they do, and what becomes of limits while they cannot. */
import type { Mutation } from './mutation.ts';

const COUNTERS = ['test/relay/shared-counters.test.ts'];
const RELAYS = ['test/workers/shared-counters.test.ts'];

export const countersMutations: readonly Mutation[] = [
  {
    name: 'counters: a relay of one process counts for itself',
    file: 'relay/alone.ts',
    from: 'months: usage.months, counters }',
    to: 'months: usage.months }',
    tests: RELAYS,
  },
  {
    name: 'counters: a relay of several processes counts for itself',
    file: 'relay/workers/parent.ts',
    from: 'months: usage.months, counters }',
    to: 'months: usage.months }',
    tests: RELAYS,
  },
  {
    name: 'counters: a store is trusted that does not count',
    file: 'relay/counters/keeper.ts',
    from: 'flagOf(first) === 1 && flagOf(second) === 0',
    to: 'flagOf(first) !== flagOf(store)',
    tests: COUNTERS,
  },
  {
    name: 'counters: a store that forgets lets everything through',
    file: 'relay/submission/fleet-share.ts',
    from: 'HONEST_FACTOR = 2',
    to: 'HONEST_FACTOR = 1000',
    tests: COUNTERS,
  },
  {
    name: 'counters: connections that stay open are not told of again',
    file: 'relay/counters/keeper.ts',
    from: '    await hold(one);\n',
    to: '',
    tests: COUNTERS,
  },
  {
    name: 'counters: connections of a dead relay count for ever',
    file: 'relay/counters/scripts.ts',
    from: "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)",
    to: '',
    tests: COUNTERS,
  },
  {
    name: 'counters: guesses side by side at several relays all count as the last one',
    file: 'relay/counters/scripts.ts',
    from: 'for i = 1, #KEYS do if isFull(i) then return {0} end end\nlocal first',
    to: 'local first',
    tests: COUNTERS,
  },
  {
    name: 'counters: a store that hangs holds clients up',
    file: 'relay/counters/store.ts',
    from: 'within(timeoutMs,',
    to: 'within(timeoutMs * 10_000,',
    tests: COUNTERS,
  },
  {
    name: 'counters: a relay without its store allows all of a limit',
    file: 'relay/submission/rate-limits.ts',
    from: 'limitPerRelay(limit, relays)',
    to: 'limitPerRelay(limit, relays - relays + 1)',
    tests: COUNTERS,
  },
  {
    name: 'counters: installations count together',
    file: 'relay/counters/store.ts',
    from: "createHmac('sha256', hashKey)",
    to: "createHmac('sha256', hashKey.slice(64))",
    tests: COUNTERS,
  },
  {
    name: 'counters: a worker that ends while the store is asked keeps its connection',
    file: 'relay/workers/answered-limits.ts',
    from: 'if (isClosed) giveBack(key);\n      else ',
    to: '',
    tests: ['relay/workers/answered-limits.test.ts'],
  },
];
