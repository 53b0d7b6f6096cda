/** Where etcd, kube-apiserver and kubectl are, or are to be: `KUBEBUILDER_ASSETS` (the name that everybody uses), else a cache. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { builtFolder } from './go-build.ts';
import { officialFolder } from './official.ts';

export interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly kubectl: string;
}

/** Folder of everything that is fetched or built for the tests. */
export function cacheFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache');
  return path.join(cache, 'smtp-plus', 'control-plane');
}

/** Undefined where no place has all of them. */
export function findBinaries(): Binaries | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) return complete({ etcd: assets, kubernetes: assets });
  const cache = cacheFolder();
  const official = officialFolder(cache);
  return (
    complete({ etcd: official, kubernetes: official }) ??
    complete({ etcd: builtFolder(cache, 'etcd'), kubernetes: builtFolder(cache, 'kubernetes') })
  );
}

function complete(folder: { readonly etcd: string; readonly kubernetes: string }): Binaries | undefined {
  const found = {
    etcd: path.join(folder.etcd, 'etcd'),
    apiServer: path.join(folder.kubernetes, 'kube-apiserver'),
    kubectl: path.join(folder.kubernetes, 'kubectl'),
  };
  return Object.values(found).every((file) => existsSync(file)) ? found : undefined;
}
