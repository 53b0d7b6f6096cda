/** The bill of materials (CycloneDX) of the image: what `npm sbom` makes of package-lock.json, less what only builds it. */
import { execFileSync } from 'node:child_process';
import type { Metafile } from 'esbuild';
import { installedForProduction, nameAndVersion } from './lock.ts';

const OUTPUT_MAX = 64 * 1024 * 1024;

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
}

interface Sbom {
  readonly serialNumber?: string;
  readonly metadata: { readonly component: Component; readonly timestamp?: string };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** As JSON text; the same lock and bundle give the same text. */
export function makeSbom(root: string, metafile: Metafile): string {
  const { serialNumber: _, metadata, ...all } = readLock(root);
  const { timestamp: __, component, ...rest } = metadata;
  const places = new Set([...bundled(metafile), ...installedForProduction(root), nodePackage()]);
  const refs = new Set([...nameAndVersion(root, places), component['bom-ref']]);
  const components = all.components.filter((one) => refs.has(one['bom-ref']));
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
  // npm calls the package as its folder is called here
  const named = { ...component, name: 'smtp-plus' };
  return `${JSON.stringify({ ...all, metadata: { ...rest, component: named }, components, dependencies }, undefined, 2)}\n`;
}

function readLock(cwd: string): Sbom {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return JSON.parse(
    execFileSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: OUTPUT_MAX, stdio: [...stdio] }),
  ) as Sbom;
}

/** `node_modules/NAME` of each package that has something in the bundle. */
function bundled({ outputs }: Metafile): readonly string[] {
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  return files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
}

/** The program itself is a package, too. */
function nodePackage(): string {
  return `node_modules/node-linux-${process.arch}`;
}
