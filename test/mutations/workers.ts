/** Of several workers: what holds for all of them, and what becomes of one that ends. */
import type { Mutation } from './mutation.ts';

const TOGETHER = ['test/workers/workers.test.ts'];
const REPLACED = ['test/workers/replaced.test.ts'];
const SHARING = ['test/relay/spool-sharing.test.ts'];
const PLACES = ['relay/workers/host-places.test.ts'];

export const workersMutations: readonly Mutation[] = [
  {
    name: 'workers: each counts rates for itself',
    file: 'relay/workers/asked-limits.ts',
    from: 'if (limits[what] === undefined) return',
    to: 'if (limits[what] !== undefined) return',
    tests: TOGETHER,
  },
  {
    name: 'workers: each counts wrong passwords for itself',
    file: 'relay/workers/process.ts',
    from: '    limits: asked.limits,\n',
    to: '',
    tests: TOGETHER,
  },
  {
    name: 'workers: one that is gone keeps its connections',
    file: 'relay/workers/worker-process.ts',
    from: '    account.close();\n',
    to: '',
    tests: TOGETHER,
  },
  {
    name: 'workers: a configuration is in force where the first one runs it',
    file: 'relay/workers/worker-state.ts',
    from: 'others.every(({ documents }) => documents[name] === hash),',
    to: 'others.length >= 0 && hash !== name,',
    tests: TOGETHER,
  },
  {
    name: 'workers: a reload does not wait for them',
    file: 'relay/workers/process.ts',
    from: '      await worker?.reload();\n      tell();\n',
    to: '',
    tests: TOGETHER,
  },
  {
    name: 'workers: a new certificate reaches nobody',
    file: 'relay/workers/process.ts',
    from: 'return worker?.updateCertificates(certificatesOf(message.certificates));',
    to: 'return;',
    tests: TOGETHER,
  },
  {
    name: 'workers: another relay gets half of the connections',
    file: 'relay/workers/parent.ts',
    from: 'const probe = await listen(nobody, options);',
    to: 'const probe = await listen(nobody, { ...options, ports: [0], implicitTlsPorts: [] });',
    tests: TOGETHER,
  },
  {
    name: 'workers: they end in the middle of a message',
    file: 'relay/workers/process.ts',
    from: 'left: await (await starting.promise).drain()',
    to: 'left: 0',
    tests: TOGETHER,
  },
  {
    name: 'workers: a smart host gets as many connections from each',
    file: 'relay/workers/process.ts',
    from: '    allow: places.allow,\n',
    to: '',
    tests: TOGETHER,
  },
  {
    name: 'workers: a connection to a smart host is given away before it is given back',
    file: 'relay/workers/host-places.ts',
    from: '      share.isLowering = true;\n',
    to: '      share.bound = target;\n',
    tests: PLACES,
  },
  {
    name: 'workers: a connection is given back while it is in use',
    file: 'relay/workers/asked-places.ts',
    from: '        if (active > granted) return;\n',
    to: '',
    tests: PLACES,
  },
  {
    name: 'workers: a connection is given back while it is open and idle',
    file: 'relay/workers/asked-places.ts',
    from: '        connections.closeIdle(Math.max(0, granted - active));\n',
    to: '',
    tests: PLACES,
  },
  {
    name: 'workers: nobody has another turn at a smart host with few connections',
    file: 'relay/workers/host-places.ts',
    from: '        host.shares.set(...first);\n',
    to: '        host.shares.set(...first);\n        for (const one of [...host.shares].slice(0, -1)) host.shares.delete(one[0]), host.shares.set(...one);\n',
    tests: PLACES,
  },
  {
    name: 'workers: one that ends is not replaced',
    file: 'relay/workers/slot.ts',
    from: 'timer = setTimeout(() => void replace(), waitMs);',
    to: 'timer = undefined;',
    tests: REPLACED,
  },
  {
    name: 'workers: one that cannot start is started without end',
    file: 'relay/workers/backoff.ts',
    from: 'return Math.min(MOST_MS, FIRST_MS * 2 ** (inARow - 1));',
    to: 'return 100;',
    tests: [...REPLACED, 'relay/workers/backoff.test.ts'],
  },
  {
    name: 'workers: what one had counted that is gone is forgotten',
    file: 'relay/workers/parent.ts',
    from: '        void metrics.keep(counted);\n',
    to: '',
    tests: REPLACED,
  },
  {
    name: 'workers: they outlive their parent',
    file: 'relay/workers/process.ts',
    from: "process.once('disconnect', endWithParent);\n",
    to: "process.once('disconnect', () => undefined);\n",
    tests: REPLACED,
  },
  {
    name: 'workers: nobody delivers what a larger number left',
    file: 'relay/workers/spool-folders.ts',
    from: 'return numbers.filter((_, index) => isSpool[index])',
    to: 'return numbers.filter((_, index) => isSpool[index] === undefined)',
    tests: REPLACED,
  },
  {
    name: 'workers: a spool is removed before it is empty',
    file: 'relay/workers/process.ts',
    from: 'while (!worker.isEmpty()) {',
    to: 'for (let i = 0; i < 1; i++) {',
    tests: REPLACED,
  },
  {
    name: 'workers: a spool that is not empty is removed',
    file: 'relay/spool/spool.ts',
    from: 'isDiscarded = index.size() === 0 && !backlog.isMore();',
    to: 'isDiscarded = true;',
    tests: SHARING,
  },
  {
    name: 'workers: each counts on the whole disk',
    file: 'relay/spool/disk-space.ts',
    from: 'Math.floor((disk.bavail * disk.bsize) / sharers)',
    to: 'Math.floor(disk.bavail * disk.bsize)',
    tests: SHARING,
  },
  {
    name: 'workers: each takes as many connections as all may',
    file: 'relay/submission/server.ts',
    from: 'Math.floor(settingsOf(services).connections / servers)',
    to: 'Math.floor(settingsOf(services).connections)',
    tests: TOGETHER,
  },
];
