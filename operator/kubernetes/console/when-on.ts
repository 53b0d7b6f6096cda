/** Most operators show no console: what makes its pages is loaded once it is on. */
import type { PagesForPeople } from '../../../relay/observe/http.ts';
import type { ConsoleOnClusterOptions } from './console-page.ts';

export function consoleWhenOn(options: ConsoleOnClusterOptions): PagesForPeople {
  let pages: Promise<PagesForPeople> | undefined;
  const load = async () => (await import('./console-page.ts')).consoleOnCluster(options);
  return async (request) => {
    if (options.settings().console.enabled !== true) return undefined;
    pages ??= load();
    return (await pages)(request);
  };
}
