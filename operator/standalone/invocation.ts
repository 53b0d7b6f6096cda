/** How people run another command of this program, from where they have started this one. */
import { basename, relative } from 'node:path';
import { shellQuote } from './table.ts';

interface Started {
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
  readonly cwd: string;
}

export function invocation({ env, argv, cwd }: Started): string {
  const { npm_lifecycle_event: script, INIT_CWD: typedIn = cwd } = env;
  if (script !== undefined) {
    // npm finds its package from any folder below it
    const isBelow = !relative(cwd, typedIn).startsWith('..');
    return `npm run --silent ${isBelow ? '' : `--prefix ${shellQuote(cwd)} `}smtp-plus --`;
  }
  const [node = 'node', program = ''] = argv;
  return basename(program) === 'smtp-plus' ? 'smtp-plus' : `${shellQuote(node)} ${shellQuote(program)}`;
}
