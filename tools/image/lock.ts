/** What package-lock.json says of the packages that are installed. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Lock {
  /** By their places, `node_modules/NAME`. */
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>;
}

/** Place of each package that the bundle looks for beside itself, and that this platform has. */
export function installedForProduction(root: string): readonly string[] {
  return Object.entries(read(root).packages)
    .filter(([place, { dev }]) => place !== '' && dev !== true && existsSync(path.join(root, place)))
    .map(([place]) => place)
    .toSorted();
}

/** `NAME@VERSION` of packages. Throws where the lock does not know one of them. */
export function nameAndVersion(root: string, places: Iterable<string>): readonly string[] {
  const { packages } = read(root);
  return Array.from(places, (place) => {
    const version = packages[place]?.version;
    if (version === undefined) throw new Error(`package-lock.json has no version of ${place}`);
    return `${place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`;
  });
}

function read(root: string): Lock {
  return JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as Lock;
}
