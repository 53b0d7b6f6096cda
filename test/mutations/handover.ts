/** Of hand-overs: each takes away something that keeps a message from getting lost, or from going out twice. */
import type { Mutation } from './mutation.ts';

const STEPS = ['test/handover/steps.test.ts'];
const SIDES = ['test/relay/handover.test.ts'];
const RELAYS = ['test/relay/handover-relays.test.ts'];

export const handoverMutations: readonly Mutation[] = [
  {
    name: 'handover: a transfer is not on disk before its messages go out',
    file: 'relay/spool/transfers.ts',
    from: '      await write(transfer);\n',
    to: '      known.set(transfer.id, transfer);\n',
    tests: STEPS,
  },
  {
    name: 'handover: what was taken is not remembered',
    file: 'relay/spool/write.ts',
    from: 'await add(message, content, [key])',
    to: 'await add(message, content, key === undefined ? [] : [])',
    tests: [...STEPS, ...SIDES],
  },
  {
    name: 'handover: messages that another relay may have taken are delivered',
    file: 'relay/worker.ts',
    from: '    isWithheld: handover.isWithheld,\n',
    to: '',
    tests: RELAYS,
  },
  {
    name: 'handover: a relay that comes back gives its mail away',
    file: 'relay/handover/receiver.ts',
    from: 'from === null || !isGoingForGood(from, relays)',
    to: 'from === null',
    tests: SIDES,
  },
  {
    name: 'handover: any key will do',
    file: 'relay/handover/channel.ts',
    from: "psk: Buffer.from(key, 'hex')",
    to: "psk: Buffer.from('ab'.repeat(32), 'hex')",
    tests: SIDES,
  },
  {
    name: 'handover: what comes too late is taken',
    file: 'relay/handover/receiver.ts',
    from: 'if (isClosing || ended.has(transfer))',
    to: 'if (isClosing)',
    tests: SIDES,
  },
  {
    name: 'whoever holds connections open keeps relays from handing over their mail',
    file: 'relay/bound-connections.ts',
    from: 'const [oldest = socket] = connections;',
    to: 'const oldest = socket;',
    tests: ['test/relay/handover.test.ts'],
  },
  {
    name: 'a volume that was empty counts as empty for ever',
    file: 'operator/kubernetes/stranded/judge.ts',
    from: 'unwatchedMs <= UNWATCHED_MOST_MS',
    to: 'unwatchedMs > 0',
    tests: ['operator/kubernetes/stranded/judge.test.ts'],
  },
];
