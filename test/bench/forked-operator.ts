/** The operator in a process of its own, bundled as it is deployed: to run TypeScript takes 45 MB by itself. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ControlPlane } from '../support/control-plane.ts';
import { bundle } from '../../tools/bundle.ts';

export interface Report {
  readonly rssMb: number;
  readonly heapMb: number;
  readonly requests: number;
  /** Those of them that would change something. */
  readonly changes: number;
  readonly writes: Readonly<Record<string, number>>;
  readonly planSeconds: number;
  readonly cpuSeconds: number;
}

export interface ForkedOperator {
  /** Resolves when it leads. */
  readonly start: (given: { cluster: ControlPlane; kubeconfig: string; settings: unknown }) => Promise<unknown>;
  readonly idle: () => Promise<unknown>;
  /** Moves its clock ahead. */
  readonly pass: (ms: number) => Promise<unknown>;
  readonly report: () => Promise<Report>;
  readonly close: () => Promise<void>;
}

export async function forkOperator(): Promise<ForkedOperator> {
  const programs = await mkdtemp(path.join(tmpdir(), 'smtp-plus-bench-'));
  await writeFile(path.join(programs, 'package.json'), '{"type":"module"}');
  await bundle({ operator: 'test/bench/operator-process.ts' }, programs);
  const operator = fork(path.join(programs, 'operator.js'), {
    // as in the chart: without a bound V8 lets garbage grow to several times what is in use
    execArgv: ['--max-old-space-size=320', '--max-semi-space-size=4'],
    env: { ...process.env, MALLOC_ARENA_MAX: '2' },
  });
  const ask = (question: object): Promise<unknown> => {
    const answer = once(operator, 'message').then(([message]) => message as unknown);
    operator.send(question);
    return answer;
  };
  return {
    start: ({ cluster: { url, caFile }, kubeconfig, settings }) =>
      ask({ kind: 'start', cluster: { url, caFile }, kubeconfig, settings }),
    idle: () => ask({ kind: 'idle' }),
    pass: (ms) => ask({ kind: 'pass', ms }),
    report: () => ask({ kind: 'report' }) as Promise<Report>,
    close: async () => {
      operator.disconnect();
      await once(operator, 'exit');
      await rm(programs, { recursive: true });
    },
  };
}
