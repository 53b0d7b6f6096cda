/**
 * Follows the settings file, and the files that it names, while the process runs: a valid change is taken up; an
 * invalid one is reported, and the settings before it stay in force.
 */
import { stat } from 'node:fs/promises';
import { isEqual } from '../core/equal.ts';
import { messageOf } from '../errors.ts';

type Loaded<Settings> =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

interface FollowOptions<Settings> {
  readonly file: string;
  /** What is in force at the start. */
  readonly current: Settings;
  readonly load: () => Promise<Loaded<Settings>>;
  /** Files that settings name: passwords, authorities. */
  readonly filesOf: (settings: Settings) => readonly string[];
  /** Puts other settings in force. Rejects where that cannot be done: those before are in force then, and it is tried again. */
  readonly take: (settings: Settings) => Promise<void>;
  /** The file is in force as it is now, after a change or after it was refused. */
  readonly onTaken: () => void;
  /** It is not, for these reasons. Told once. */
  readonly onRefused: (problems: readonly string[]) => void;
  readonly lookMs?: number;
  readonly retryMs?: number;
}

export interface SettingsFollower {
  /** Resolves when nothing is being taken up any more. */
  readonly close: () => Promise<void>;
}

/** A change is in force after two looks: what an editor is still writing looks different the second time. */
const LOOK_MS = 500;
/** What could not be put in force may depend on more than the file: a file that it names, an API server. */
const RETRY_MS = 30_000;

/** Asks the file itself, twice a second: no event is lost, whatever links a mounted ConfigMap is made of. */
export function followSettings<Settings>(options: FollowOptions<Settings>): SettingsFollower {
  const { file, load, filesOf, take, onTaken, onRefused, lookMs = LOOK_MS, retryMs = RETRY_MS } = options;
  let { current } = options;
  let seen: string | undefined;
  let handled: string | undefined;
  /** How the files looked that the settings in force name. */
  let named: string | undefined;
  let told: readonly string[] = [];
  let retryAt = Infinity;
  let isClosed = false;

  async function look(): Promise<void> {
    const now = await appearance([file, ...filesOf(current)]);
    const isSettled = now === seen;
    seen = now;
    if (!isSettled || (now === handled && performance.now() < retryAt)) return;
    handled = now;
    retryAt = Infinity;
    const loaded = await load();
    if (!loaded.ok) return refuse(loaded.problems);
    const files = await appearance(filesOf(loaded.settings));
    // at first, what the start has read
    named ??= files;
    if (isEqual(loaded.settings, current) && files === named) {
      if (told.length > 0) accept();
      return;
    }
    try {
      await take(loaded.settings);
    } catch (error) {
      retryAt = performance.now() + retryMs;
      return refuse([messageOf(error)]);
    }
    current = loaded.settings;
    named = files;
    accept();
  }

  function accept(): void {
    told = [];
    onTaken();
  }

  function refuse(problems: readonly string[]): void {
    if (isEqual(problems, told)) return;
    told = problems;
    onRefused(problems);
  }

  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  const lookLater = (): void => {
    if (isClosed) return;
    timer = setTimeout(() => {
      looking = look()
        .catch((error: unknown) => refuse([messageOf(error)]))
        .finally(lookLater);
    }, lookMs);
    timer.unref();
  };
  lookLater();
  return {
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** What differs where anything of them has been written, through all links. */
async function appearance(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(stamp))).join('\n');
}

async function stamp(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return messageOf(error);
  }
}
