import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { listManifestFiles } from '../manifests/walk.ts';
import type { WalkOptions } from '../manifests/walk.ts';

/** An editor writes in several steps (truncate, write, rename): quiet for this long counts as done... */
const QUIET_MS = 80;
/** ... and a folder that is never quiet is looked at all the same. */
const PATIENCE_MS = 400;
const POLL_MS = 1000;
/** Looking must not cost more than this share of the time: a huge folder is polled less often. */
const POLL_COST_SHARE = 0.02;
/** Each is a system resource (8192 inotify watches on a stingy system); the poll sees what they don't. */
const MAX_WATCHERS = 1000;

export interface WatchOptions extends WalkOptions {
  /** Called after a change, once per burst, and now and then without one. */
  readonly onChange: () => void;
}

/**
 * Watches a folder of manifests: events where the system has them, and a poll for what no event tells (network file
 * systems, targets of symbolic links, folders that were not there yet). Returns the function that ends it.
 */
export function watchFolder(folder: string, options: WatchOptions): () => void {
  const watchers = new Map<string, FSWatcher>();
  const settle = createSettler(options.onChange);
  let stamps: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function watchFolders(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, MAX_WATCHERS));
    for (const [path, watcher] of watchers) {
      if (wanted.has(path)) continue;
      watcher.close();
      watchers.delete(path);
    }
    for (const path of wanted) if (!watchers.has(path)) watchOne(path);
  }

  function watchOne(path: string): void {
    const drop = (watcher: FSWatcher): void => {
      watcher.close();
      if (watchers.get(path) === watcher) watchers.delete(path);
    };
    try {
      const watcher = watch(path, { persistent: false }, (event, name) => {
        settle.touch();
        // a folder that was replaced keeps its old watch, which sees nothing any more
        if (event === 'rename' && name === null) drop(watcher);
      });
      watcher.on('error', () => drop(watcher));
      watchers.set(path, watcher);
    } catch {
      // vanished meanwhile, or no watches left: the poll will do
    }
  }

  async function poll(): Promise<void> {
    const start = performance.now();
    const now = await look();
    if (closed) return;
    if (stamps !== undefined && now !== stamps) settle.touch();
    stamps = now;
    const cost = performance.now() - start;
    timer = setTimeout(() => void poll(), Math.max(POLL_MS, cost / POLL_COST_SHARE));
    timer.unref();
  }

  async function look(): Promise<string> {
    try {
      const walk = await listManifestFiles(folder, options);
      if (!closed) watchFolders(walk.folders);
      const files = walk.files.map(({ path, stamp }) => `${path}\0${stamp}`);
      return [...files, ...walk.problems.map(({ path, message }) => `${path}\0${message}`)].join('\0');
    } catch (error) {
      if (!closed) watchFolders([]);
      return String(error);
    }
  }

  void poll();
  return () => {
    closed = true;
    clearTimeout(timer);
    settle.close();
    for (const watcher of watchers.values()) watcher.close();
  };
}

/** Calls back once after a burst of touches. */
function createSettler(onSettled: () => void): { touch: () => void; close: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let first = 0;
  const fire = (): void => {
    timer = undefined;
    onSettled();
  };
  return {
    touch: () => {
      if (timer === undefined) first = performance.now();
      clearTimeout(timer);
      const patience = PATIENCE_MS - (performance.now() - first);
      timer = setTimeout(fire, Math.max(Math.min(QUIET_MS, patience), 0));
    },
    close: () => clearTimeout(timer),
  };
}
