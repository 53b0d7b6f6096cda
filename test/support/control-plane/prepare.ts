/** Brings the binaries of the control plane: the official ones where they can be had, else a build. */
import { spawnSync } from 'node:child_process';
import { cacheFolder, findBinaries } from './binaries.ts';
import { buildBinaries } from './go-build.ts';
import { fetchArchive, officialArchive, officialFolder, type Archive } from './official.ts';

export interface Preparation {
  readonly say: (line: string) => void;
  readonly archive?: Archive | undefined;
  readonly canBuild?: () => boolean;
  readonly build?: typeof buildBinaries;
}

/** Resolves when they are there, or when it has said why they cannot be; rejects where the build fails. */
export async function prepareControlPlane({
  say,
  archive = officialArchive(),
  canBuild = () => spawnSync('go', ['version']).status === 0,
  build = buildBinaries,
}: Preparation): Promise<void> {
  if (findBinaries() !== undefined) return;
  const cache = cacheFolder();
  if (archive !== undefined) {
    say(`fetching etcd, kube-apiserver and kubectl from ${archive.url} ...`);
    try {
      await fetchArchive(archive, officialFolder(cache));
      say('they are there');
      return;
    } catch (error) {
      say(`that failed (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  if (canBuild()) await build(cache, say);
  else
    say(
      'no `go` to build them: tests against a real API server are SKIPPED; KUBEBUILDER_ASSETS can name a folder that has them',
    );
}
