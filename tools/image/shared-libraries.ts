/** The shared libraries of programs, taken from the system that the image is made on: Debian's, in the Dockerfile. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const OUTPUT_MAX = 16 * 1024 * 1024;
const OS_RELEASE = '/etc/os-release';

/** Copies them to where the loader looks, with the records by which scanners know the packages that they come from. */
export function copySharedLibraries(programs: readonly string[], folder: string): void {
  const libraries = new Set(programs.flatMap(librariesOf));
  for (const library of libraries) copyTo(library, folder, library);
  if (existsSync(OS_RELEASE)) copyTo(OS_RELEASE, folder, OS_RELEASE);
  for (const [name, record] of packagesOf([...libraries])) {
    // as distroless images have it: Trivy, Grype and Syft read these
    const file = path.join(folder, 'var/lib/dpkg/status.d', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, record);
  }
}

function copyTo(file: string, folder: string, name: string): void {
  const target = path.join(folder, name);
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(realpathSync(file), target);
}

/** Where `ldd` finds them; all or none. */
function librariesOf(program: string): string[] {
  const output = execFileSync('ldd', [program], { encoding: 'utf8' });
  if (output.includes('not found')) throw new Error(`${program} needs a library that is not here:\n${output}`);
  // `libm.so.6 => /lib/…/libm.so.6 (0x…)`, and the loader by its own path
  return output.split('\n').flatMap((line) => /^\s(?:\S+ => )?(\/\S+) \(/.exec(line)?.[1] ?? []);
}

/** Name and record of each Debian package that a file belongs to; none on other systems. */
function packagesOf(files: readonly string[]): ReadonlyMap<string, string> {
  if (!existsSync('/var/lib/dpkg/status')) return new Map();
  const query = (...args: string[]) => execFileSync('dpkg-query', args, { encoding: 'utf8', maxBuffer: OUTPUT_MAX });
  // packages own the real names, in /usr or not according to the age of the release
  const names = files.map((file) => `*/${path.basename(realpathSync(file))}`);
  const owners = query('--search', ...names)
    .split('\n')
    .filter((line) => files.some((file) => line.endsWith(`/${path.basename(realpathSync(file))}`)))
    .flatMap((line) => line.slice(0, line.lastIndexOf(': ')).split(', '));
  const unique = [...new Set(owners)].filter((name) => name !== '').toSorted();
  return new Map(unique.map((name) => [name.replace(/:.*/, ''), query('--status', name)]));
}
