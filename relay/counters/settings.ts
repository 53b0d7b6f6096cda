import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CLASS_FILE_NAME } from '../config/config.ts';
import { readClassDocument } from '../config/documents.ts';
import type { SharedCountersConfig } from '../config/shared-counters.ts';

/** What the configuration says of shared counters, at each call; where it cannot be read, what it said before. */
export function sharedCountersIn(configFolder: string): () => Promise<SharedCountersConfig | undefined> {
  let last: SharedCountersConfig | undefined;
  return async () => {
    const bytes = await readFile(path.join(configFolder, CLASS_FILE_NAME)).catch(() => undefined);
    const { document } = bytes === undefined ? {} : readClassDocument(bytes);
    if (document !== undefined) last = document.sharedCounters;
    return last;
  };
}
