/** Runs the directory by the present settings: other settings take another directory, beside the same relay. */
import type { PagesForPeople } from '../../relay/observe/http.ts';
import type { Directory } from '../directory/adapter.ts';
import type { EndOfRun } from '../end-of-run.ts';
import { messageOf } from '../errors.ts';
import type { Settings } from '../settings/settings.ts';

interface Options {
  /** What the first one was begun by. */
  readonly settings: Settings;
  readonly begin: (settings: Settings) => Promise<Pick<Directory, 'page' | 'close'>>;
  /** Where not even the settings before can be gone back to. */
  readonly end: Pick<EndOfRun, 'fail'>;
}

export interface ChangingDirectory {
  readonly page: PagesForPeople;
  /** Ends the one before, and begins one by these. Rejects where that cannot be done: the settings before hold then. */
  readonly take: (settings: Settings) => Promise<void>;
  readonly close: () => Promise<void>;
}

export function startChangingDirectory(
  first: Pick<Directory, 'page' | 'close'>,
  { settings, begin, end }: Options,
): ChangingDirectory {
  let directory = first;
  let current = settings;

  async function goBack(error: unknown): Promise<never> {
    try {
      directory = await begin(current);
    } catch (again) {
      end.fail(`could not go on with the old settings: ${messageOf(again)}`);
    }
    throw error;
  }

  return {
    page: (request) => directory.page(request),
    take: async (next) => {
      await directory.close();
      directory = await begin(next).catch(goBack);
      current = next;
    },
    close: () => directory.close(),
  };
}
