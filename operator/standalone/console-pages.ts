/** The pages of the console of one process, with the mail that it captures. */
import type { PagesForPeople } from '../../relay/observe/http.ts';
import { VERSION } from '../../relay/version.ts';
import { createConsolePages, type ConsoleOptions } from '../console/console.ts';
import { createMailPages } from '../console/mail/pages.ts';
import { createMailParser } from '../console/mail/parser.ts';
import { capturePlaces } from './capture-folder.ts';
import { factsOfPlan } from './console-facts.ts';
import type { ConsoleHere } from './console-page.ts';

export function consolePages(options: ConsoleHere & Pick<ConsoleOptions, 'admit'>): PagesForPeople {
  const { settings, plan, relay, admit } = options;
  return createConsolePages({
    admit,
    factsFor: async (_, namespace) => ({
      ...factsOfPlan({ plan: plan(), relay, relayClass: settings().relayClass, namespace }),
      version: VERSION,
      showsMail: true,
    }),
    mail: createMailPages({ places: () => capturePlaces(settings()), parser: createMailParser() }),
  });
}
