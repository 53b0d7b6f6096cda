/** How the programs are bundled for the npm package and the image: Node does not run TypeScript inside node_modules. */
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

/** CommonJS packages inside an ES module look for `require`. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** What is run by its name: the command line, and what relay/workers/worker-process.ts and operator/console/mail/parser.ts start. */
export const PROGRAMS = {
  cli: 'operator/cli.ts',
  worker: 'relay/workers/process.ts',
  'mail-parser': 'operator/console/mail/parser-process.ts',
};

/** Bundles programs, given by name and path from the root of the repository, into a folder. Resolves to what went where. */
export async function bundle(entryPoints: Readonly<Record<string, string>>, outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: fileURLToPath(new URL('../', import.meta.url)),
    entryPoints,
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // so that `check` and `crds` run wherever a pipeline has any Node
    target: 'node20',
    // each subcommand is imported when it is asked for, and stays a file of its own
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // native code, found next to its own package
    external: ['lmdb'],
    banner: { js: REQUIRE },
    // half the size; names stay, for stack traces
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
  });
  return metafile;
}

/** Files that a module of ours loads when it is imported, itself included; paths from the root of the repository. */
export function loadedWith({ outputs }: Metafile, entryPoint: string): ReadonlySet<string> {
  const waiting = Object.keys(outputs).filter((name) => outputs[name]?.entryPoint === entryPoint);
  const seen = new Set<string>();
  const files = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const output = outputs[name];
    for (const file of Object.keys(output?.inputs ?? {})) files.add(file);
    for (const { kind, path } of output?.imports ?? []) if (kind === 'import-statement') waiting.push(path);
  }
  return files;
}
