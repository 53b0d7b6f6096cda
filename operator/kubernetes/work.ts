/** Keeps a controller at work by the present settings: other settings take another controller, under the same lease. */
import type { Log } from '../../relay/observe/log.ts';
import type { EndOfRun } from '../end-of-run.ts';
import { messageOf } from '../errors.ts';
import type { Installation } from '../installation.ts';
import type { Settings } from '../settings/settings.ts';
import { dnsVerificationOf, resolversOf } from '../settings/verification.ts';
import type { Readers } from '../../relay/observe/page-readers.ts';
import { configSecretPrefix, otherInstallationsOf, readClasses } from './classes.ts';
import type { Lease } from './client/lease.ts';
import { startController } from './controller.ts';
import type { Controller, ControllerOptions } from './controller-types.ts';
import { mailOptionsOf } from './proofs/mail-proofs.ts';
import { pageTokensOf } from './page-tokens.ts';

interface WorkOptions extends Pick<
  ControllerOptions,
  'client' | 'unledClient' | 'namespace' | 'identity' | 'metrics' | 'onTrouble'
> {
  readonly lease: Pick<Lease, 'acquired' | 'takenUp'>;
  readonly installationOf: (settings: Settings) => Promise<Installation>;
  readonly log: Log;
  /** Where it cannot begin to work by what it has been given. */
  readonly end: Pick<EndOfRun, 'fail'>;
}

export interface Work {
  readonly controller: () => Controller;
  /** Readers of the pages that name tenants. */
  readonly readers: () => Readers;
  /**
   * Ends the work by the settings before, and begins anew by these. Rejects, and changes nothing, where that cannot be
   * done.
   */
  readonly take: (settings: Settings) => Promise<void>;
  readonly close: () => Promise<void>;
}

export function startWork(
  { settings, installation }: { settings: Settings; installation: Installation },
  { lease, log, end, installationOf, ...shared }: WorkOptions,
): Work {
  const ended = new WeakSet<Controller>();
  /** When somebody last led, this process included. */
  let ledUntil: Date | undefined;
  let isWatching = false;
  let options = optionsOf(settings, installation);
  let controller = begin(options);
  let isClosed = false;

  function begin(by: ReturnType<typeof optionsOf>): Controller {
    const begun = startController({ ...shared, ...by });
    lead(begun).catch((error: unknown) => {
      if (!ended.has(begun)) end.fail(`could not start to work: ${messageOf(error)}`);
    });
    return begun;
  }

  async function lead(one: Controller): Promise<void> {
    const ledBefore = await lease.acquired;
    if (ended.has(one)) return;
    log.info('leading; waiting for the caches');
    await one.lead(ledUntil ?? ledBefore);
    if (ended.has(one)) return;
    isWatching = true;
    lease.takenUp();
    log.info('everything is planned; reconciling');
  }

  async function stop(): Promise<void> {
    ended.add(controller);
    await controller.close();
    if (isWatching) ledUntil = new Date();
    isWatching = false;
  }

  return {
    controller: () => controller,
    readers: () => options.pageTokens.readers,
    take: async (next) => {
      const by = optionsOf(next, await installationOf(next));
      if (isClosed) return;
      // one after the other: two would need the memory for the caches twice
      await stop();
      if (isClosed) return;
      options = by;
      controller = begin(by);
    },
    close: async () => {
      isClosed = true;
      if (!ended.has(controller)) await stop();
    },
  };
}

function optionsOf(settings: Settings, installation: Installation) {
  const { verification, watchNamespaces, namespaceLimits, drainSpools } = settings;
  const mail = mailOptionsOf(settings);
  return {
    installation,
    pageTokens: pageTokensOf(settings, installation),
    watchNamespaces,
    readClasses: () => readClasses(settings, installation),
    otherInstallations: otherInstallationsOf(settings),
    verification: { ...dnsVerificationOf(verification), resolvers: resolversOf(verification) },
    ...(mail !== undefined && { mail }),
    namespaceLimits,
    drainSpools,
    certificates: { classes: settings.classes },
    configPrefixOf: (className: string) => configSecretPrefix(settings, className),
  };
}
