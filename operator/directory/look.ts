/** What a round reads: those manifests and Secrets of ours of which something says that they may have changed. */
import type { WalkOptions } from '../manifests/walk.ts';
import { bothTouched } from '../manifests/walk-again.ts';
import type { Touched } from '../manifests/walk-again.ts';
import type { FolderReader } from '../manifests/read.ts';
import type { SecretFiles } from './secret-files.ts';
import { watchFolder } from './watch.ts';

export interface Look {
  readonly manifests: Touched;
  readonly secrets: Touched;
}

export const NOTHING: Look = { manifests: new Set(), secrets: new Set() };
export const EVERYTHING: Look = { manifests: 'any', secrets: 'any' };

export function bothLooks(a: Look, b: Look): Look {
  return { manifests: bothTouched(a.manifests, b.manifests), secrets: bothTouched(a.secrets, b.secrets) };
}

export function isAny(touched: Touched): boolean {
  return touched === 'any' || touched.size > 0;
}

interface Watched {
  readonly manifests: WalkOptions & { readonly folder: string; readonly seen: FolderReader['seen'] };
  readonly secrets: Pick<SecretFiles, 'isNews' | 'seen'> & { readonly folder: string };
}

/** Tells of what somebody else has changed. Returns the function that ends it. */
export function watchBoth({ manifests, secrets }: Watched, onChange: (look: Look) => void): () => void {
  const { folder, ...options } = manifests;
  const onSecrets = async (touched: Touched): Promise<void> => {
    if (await secrets.isNews(touched)) onChange({ ...NOTHING, secrets: touched });
  };
  const ends = [
    watchFolder(folder, { ...options, onChange: (touched) => onChange({ ...NOTHING, manifests: touched }) }),
    watchFolder(secrets.folder, { seen: secrets.seen, onChange: (touched) => void onSecrets(touched) }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
