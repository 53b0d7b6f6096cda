/** `npm run build`: bundles the command line into dist/. */
import { chmod, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundle, PROGRAMS } from './bundle.ts';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

await rm(dist, { recursive: true, force: true });
await bundle(PROGRAMS, dist);
await chmod(`${dist}/cli.js`, 0o755);
