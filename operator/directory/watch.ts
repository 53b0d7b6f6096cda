import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, join } from 'node:path';
import type { Walk, WalkOptions } from '../manifests/walk.ts';
import { bothTouched, isSameWalk, walkAgain } from '../manifests/walk-again.ts';
import type { Touched } from '../manifests/walk-again.ts';

/** An editor writes in several steps (truncate, write, rename): quiet for this long counts as done... */
const QUIET_MS = 80;
/** ... and a folder that is never quiet is looked at all the same. */
const PATIENCE_MS = 400;
const POLL_MS = 1000;
/** Looking must not cost more than this share of the time: a huge folder is polled less often... */
const POLL_COST_SHARE = 0.02;
/** ... but no less often than this: on a machine with other things to do, a look takes longer than it costs. */
const POLL_MOST_MS = 30_000;
/** Each is a system resource (8192 inotify watches on a stingy system); the poll sees what they don't. */
const MAX_WATCHERS = 1000;

export interface WatchOptions extends WalkOptions {
  /** Called once per burst of events, with what they named; and with `any` for a change that no event told. */
  readonly onChange: (touched: Touched) => void;
  /** What whoever is told has seen, with what it has written itself. */
  readonly seen: () => Walk | undefined;
}

/**
 * Watches a folder of manifests: events where the system has them, and a poll for what no event tells (network file
 * systems, targets of symbolic links, folders that were not there yet, events beyond what the system's queue holds).
 * Returns the function that ends it.
 */
export function watchFolder(folder: string, { onChange, seen, ...options }: WatchOptions): () => void {
  const settle = createSettler(onChange);
  const watchers = createWatchers(settle.touch);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function poll(): Promise<void> {
    const start = performance.now();
    const walk = await walkAgain(folder, { ...options, touched: 'any' });
    if (closed) return;
    const before = seen();
    if (before === undefined || !isSameWalk(before, walk)) settle.touch('any');
    // what has changed in a folder between the walk and its first event, only another walk can tell
    const isAgain = watchers.follow(walk.folders);
    const pause = (performance.now() - start) / POLL_COST_SHARE;
    timer = setTimeout(() => void poll(), isAgain ? 0 : Math.min(Math.max(POLL_MS, pause), POLL_MOST_MS));
    timer.unref();
  }

  watchers.follow(seen()?.folders ?? new Map());
  void poll();
  return () => {
    closed = true;
    clearTimeout(timer);
    settle.close();
    watchers.follow(new Map());
  };
}

interface Watchers {
  /** Watches these folders and no others. Answers whether there was one to begin with. */
  readonly follow: (folders: Walk['folders']) => boolean;
}

/** One watcher for each folder: a recursive one of Node's own follows no links, and is closed for good by an error. */
function createWatchers(onTouch: (touched: Touched) => void): Watchers {
  const watchers = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();

  function drop(path: string): void {
    watchers.get(path)?.watcher.close();
    watchers.delete(path);
  }

  function begin(path: string, identity: string): boolean {
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => {
        // one about the folder itself bears the folder's own name: what it is now, and another watch, the poll sees to
        const isItself = name === null || name === basename(path);
        if (isItself) drop(path);
        onTouch(isItself ? 'any' : new Set([join(path, name)]));
      });
      watcher.on('error', () => drop(path));
      watchers.set(path, { identity, watcher });
      return true;
    } catch {
      // vanished meanwhile, or no watches left: the poll will do
      return false;
    }
  }

  return {
    follow: (folders) => {
      const wanted = new Map([...folders].slice(0, MAX_WATCHERS));
      for (const [path, { identity }] of watchers) {
        // a folder that was replaced keeps its old watch, which sees nothing any more
        if (wanted.get(path) !== identity) drop(path);
      }
      const fresh = [...wanted].filter(([path]) => !watchers.has(path));
      return fresh.filter(([path, identity]) => begin(path, identity)).length > 0;
    },
  };
}

/** Calls back once after a burst of touches. */
function createSettler(onSettled: (touched: Touched) => void): {
  touch: (touched: Touched) => void;
  close: () => void;
} {
  let timer: NodeJS.Timeout | undefined;
  let first = 0;
  let all: Touched = new Set();
  const fire = (): void => {
    timer = undefined;
    const touched = all;
    all = new Set();
    onSettled(touched);
  };
  return {
    touch: (touched) => {
      all = bothTouched(all, touched);
      if (timer === undefined) first = performance.now();
      clearTimeout(timer);
      const patience = PATIENCE_MS - (performance.now() - first);
      timer = setTimeout(fire, Math.max(Math.min(QUIET_MS, patience), 0));
    },
    close: () => clearTimeout(timer),
  };
}
