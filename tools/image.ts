/**
 * `npm run image`: the container image as a file, for machines without a container engine; docker, podman, ctr, kind and k3d
 * load it. With `--root-fs DIR` only its files, which the Dockerfile does.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeArchive } from './image/archive.ts';
import { readLastStage } from './image/dockerfile.ts';
import { makeRootFs } from './image/root-fs.ts';
import { makeSbom } from './image/sbom.ts';

const ROOT = path.join(import.meta.dirname, '..');
const { version, description, license } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  description: string;
  license: string;
};
const MS = 1000;
const MIB = 1024 * 1024;

const { values: flags } = parseArgs({
  options: {
    'root-fs': { type: 'string' },
    name: { type: 'string', default: `smtp-plus:${version}` },
    // 0 for an image that goes no further than this machine
    level: { type: 'string', default: '6' },
    output: { type: 'string', default: path.join(ROOT, 'build') },
  },
});

if (flags['root-fs'] === undefined) await writeImage();
else await makeRootFs(ROOT, flags['root-fs']);

async function writeImage(): Promise<void> {
  const rootFs = mkdtempSync(path.join(tmpdir(), 'smtp-plus-root-fs-'));
  try {
    mkdirSync(flags.output, { recursive: true });
    const metafile = await makeRootFs(ROOT, rootFs);
    const archive = path.join(flags.output, `smtp-plus-${version}.tar`);
    const { digest, bytes } = writeArchive(archive, rootFs, {
      name: flags.name,
      config: readLastStage(readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8')),
      labels: {
        'org.opencontainers.image.title': 'smtp-plus',
        'org.opencontainers.image.description': description,
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': license,
      },
      created: sourceDate(),
      level: Number(flags.level),
      // Node and the C library stay the same from release to release
      layers: [readdirSync(rootFs).filter((name) => name !== 'app'), ['app']],
    });
    const sbom = path.join(flags.output, `smtp-plus-${version}.cdx.json`);
    writeFileSync(sbom, makeSbom(ROOT, metafile));
    for (const file of [archive, sbom]) console.log(path.relative(process.cwd(), file));
    console.log(`${flags.name} ${digest}, ${Math.round(bytes / MIB)} MiB of files`);
  } finally {
    rmSync(rootFs, { recursive: true });
  }
}

/** When the source was written, by the convention of reproducible builds, else by its last commit: not when it was built. */
function sourceDate(): Date {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return new Date(Number(given) * MS);
  try {
    const git = ['-C', ROOT, 'log', '-1', '--format=%ct'];
    return new Date(Number(execFileSync('git', git, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) * MS);
  } catch {
    return new Date(0);
  }
}
