/** kubectl on the cluster of KUBECONFIG. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface Running {
  /** Ends its standard input. */
  readonly end: () => void;
  /** Its standard output, once it has ended well. */
  readonly output: Promise<string>;
}

/** Starts kubectl; `stdin` is written at once and left open. */
export function startKubectl(args: readonly string[], stdin = ''): Running {
  const child = spawn('kubectl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined).write(stdin);
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const output = Promise.all([text(child.stdout), text(child.stderr), ended]).then(([stdout, stderr, code]) => {
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  });
  return { end: () => child.stdin.end(), output };
}

export function kubectl(args: readonly string[], stdin = ''): Promise<string> {
  const { end, output } = startKubectl(args, stdin);
  end();
  return output;
}

export async function apply(...objects: readonly object[]): Promise<void> {
  await kubectl(
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    objects.map((one) => JSON.stringify(one)).join('\n'),
  );
}

export async function exists(...args: readonly string[]): Promise<boolean> {
  return (await kubectl(['get', ...args, '--ignore-not-found', '--output=name'])) !== '';
}
