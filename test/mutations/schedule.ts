/** Of delivery: who goes next, what is broken off, which clock it goes by, and who is told. */
import type { Mutation } from './mutation.ts';

const FAIRNESS = ['relay/delivery/places.test.ts', 'test/relay/delivery-fairness.test.ts'];
const CLOCK = ['test/relay/delivery-clock.test.ts'];

export const scheduleMutations: readonly Mutation[] = [
  {
    name: 'the end of mail of a list that is gone is counted from when the mail came',
    file: 'relay/delivery/age-limits.ts',
    from: 'goneLists.since(list, now) +',
    to: 'received +',
    tests: ['test/relay/orphans.test.ts'],
  },
  {
    name: 'mail of lists that are gone makes the queue look old',
    file: 'relay/spool/entries.ts',
    from: 'oldest(({ list }) => !gone.has(list))',
    to: 'oldest(() => true)',
    tests: ['relay/spool/entries.test.ts'],
  },
  {
    name: 'a collector can send a relay elsewhere',
    file: 'relay/tracing/span-sender.ts',
    from: "redirect: 'error'",
    to: "redirect: 'follow'",
    tests: ['test/relay/spans.test.ts'],
  },
  {
    name: 'answers wait for the disk without a bound',
    file: 'relay/delivery/deliver.ts',
    from: 'const UNRECORDED_MAX = 128;',
    to: 'const UNRECORDED_MAX = 1_000_000;',
    tests: ['test/relay/delivery-unrecorded.test.ts'],
  },
  {
    name: 'a dead upstream is tried with each message',
    file: 'relay/delivery/circuit-breaker.ts',
    from: 'const FAILURES_TO_OPEN = 3;',
    to: 'const FAILURES_TO_OPEN = Infinity;',
    tests: ['relay/delivery/circuit-breaker.test.ts'],
  },
  {
    name: 'turns are not by namespace',
    file: 'relay/delivery/sender-queue.ts',
    from: '      namespaces.set(sender.namespace, own);\n      own.push(lineOf(sender), item);\n',
    to: "      namespaces.set('', namespaces.get('') ?? own);\n      namespaces.get('')?.push(sender.list, item);\n",
    tests: ['relay/delivery/sender-queue.test.ts'],
  },
  {
    name: 'places go to who comes first',
    file: 'relay/delivery/places.ts',
    from: '      return (own < share && counted < concurrency) || (contenders === 1 && mayOvershoot());\n',
    to: '      return active < concurrency;\n',
    tests: FAIRNESS,
  },
  {
    name: 'a namespace that holds no place waits like any other',
    file: 'relay/delivery/places.ts',
    from: '      if (own === 0) return mayOvershoot();\n',
    to: '',
    tests: FAIRNESS,
  },
  {
    name: 'one user may take all places of its namespace',
    file: 'relay/delivery/places.ts',
    from: 'mine === 0 || mine < share - own.active',
    to: 'mine === 0 || mine < share',
    tests: FAIRNESS,
  },
  {
    name: 'places are not asked for',
    file: 'relay/delivery/deliver.ts',
    from: 'lane.waiting.shift(places)',
    to: 'lane.waiting.shift()',
    tests: ['test/relay/hostile-upstream.test.ts', 'test/relay/delivery-places.test.ts'],
  },
  {
    name: 'what is under way for lists that are gone goes on',
    file: 'relay/delivery/deliver.ts',
    from: '    goneLists.look((list) => current.lists.has(list), spool?.lists() ?? [], now());\n',
    to: '',
    tests: ['test/relay/delivery-fairness.test.ts'],
  },
  {
    name: 'what was broken off counts against the upstream',
    file: 'relay/delivery/attempt.ts',
    from: '(isStopped() || signal.aborted)',
    to: 'isStopped()',
    tests: ['test/relay/delivery-fairness.test.ts'],
  },
  {
    name: 'a change that moves nothing looks at all that waits',
    file: 'relay/delivery/lanes.ts',
    from: '    const existing = moved.size > 0 ? [...lanes.values()] : [];\n    for (const lane of existing) move(lane, moved);\n',
    to: '    for (const { waiting } of lanes.values()) waiting.takeWhere(({ list }) => moved.has(list));\n',
    tests: ['relay/delivery/lanes.test.ts'],
  },
  {
    name: 'what waits goes by the clock of the machine',
    file: 'relay/delivery/deliver.ts',
    from: 'now = steadyNow,',
    to: 'now = Date.now,',
    tests: CLOCK,
  },
  {
    name: 'a message that comes in is as old as the clock of the machine says',
    file: 'relay/spool/record.ts',
    from: 'steadyOf(Date.parse(message.received))',
    to: 'Date.parse(message.received)',
    tests: CLOCK,
  },
  {
    name: 'what was due by a clock that was ahead waits until then',
    file: 'relay/delivery/deliver.ts',
    from: 'entry.due > latest ?',
    to: 'entry.due > Infinity ?',
    tests: CLOCK,
  },
];
