/**
 * The root file system of the image: Node, the C library that it needs, the bundle and its one native dependency. No
 * shell, no package manager, nothing else that could be run.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { bundle, PROGRAMS } from '../bundle.ts';
import { installedForProduction } from './lock.ts';
import { copySharedLibraries } from './shared-libraries.ts';

/** Its user has no name that matters and no home that could be written to. */
const PASSWD = 'root:x:0:0:root:/:/sbin/nologin\nsmtp-plus:x:65532:65532:smtp-plus:/app:/sbin/nologin\n';
const GROUP = 'root:x:0:\nsmtp-plus:x:65532:\n';
/** Names come from /etc/hosts, then from the cluster's DNS. */
const NSSWITCH = 'passwd: files\ngroup: files\nhosts: files dns\n';

/** Makes it in a new folder. Resolves to what the bundle is made of. */
export async function makeRootFs(root: string, folder: string): Promise<Metafile> {
  const app = path.join(folder, 'app');
  mkdirSync(app, { recursive: true });
  const metafile = await bundle(PROGRAMS, path.join(app, 'dist'));
  for (const name of ['package.json', 'LICENSE']) copyFileSync(path.join(root, name), path.join(app, name));
  const packages = installedForProduction(root);
  for (const name of packages) copyPackage(path.join(root, name), path.join(app, name));

  const node = path.join(folder, 'usr/bin/node');
  mkdirSync(path.dirname(node), { recursive: true });
  copyFileSync(realpathSync(process.execPath), node);
  const native = packages.flatMap((name) => nativeFiles(path.join(app, name)));
  copySharedLibraries([node, ...native], folder);

  const etc = path.join(folder, 'etc');
  mkdirSync(etc, { recursive: true });
  for (const [name, text] of Object.entries({ passwd: PASSWD, group: GROUP, 'nsswitch.conf': NSSWITCH })) {
    writeFileSync(path.join(etc, name), text);
  }
  settleModes(folder);
  return metafile;
}

/** Without native code for another C library. */
function copyPackage(from: string, to: string): void {
  cpSync(from, to, { recursive: true, dereference: true, filter: (file) => !file.endsWith('.musl.node') });
}

function nativeFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.node'))
    .map((name) => path.join(folder, name));
}

/** The same whatever umask the files were made with: all may read, nobody but root may write. */
function settleModes(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const runs = entry.isDirectory() || (statSync(file).mode & 0o100) !== 0;
    chmodSync(file, runs ? 0o755 : 0o644);
  }
}
