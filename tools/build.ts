/**
 * Bundles the command line into dist/, for the npm package and the image: Node does not run TypeScript inside
 * node_modules. The syntax is held to Node 20, so that `check` and `crds` run wherever a pipeline has any Node.
 */
import { chmod, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = `${root}dist`;

/** CommonJS packages inside an ES module look for `require`. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

await rm(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { cli: 'operator/cli.ts' },
  outdir: dist,
  bundle: true,
  platform: 'node',
  format: 'esm',
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
});
await chmod(`${dist}/cli.js`, 0o755);
