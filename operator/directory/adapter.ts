/**
 * The directory adapter: a folder of manifests in, a state folder out, and the core between them. The same as an API
 * server and the operator, for one process without a cluster.
 */
import { join } from 'node:path';
import type { Log } from '../../relay/observe/log.ts';
import { keyOf, type Plan, type PlannedEvent, type Snapshot } from '../core/model.ts';
import { startLoop } from './loop.ts';
import { bothLooks, EVERYTHING, isAny, NOTHING, watchBoth } from './look.ts';
import type { Look } from './look.ts';
import { createApplier } from './apply.ts';
import type { Applier, PlanContext, RelayHashes } from './apply.ts';
import { openDeletions } from './deletions.ts';
import { createGatherer, secretsWanted } from './gather.ts';
import type { GatherOptions, RelayFacts } from './gather.ts';
import { createInForce } from './in-force.ts';
import { openKeptAside } from './kept-aside.ts';
import { openLastGood } from './last-good.ts';
import { openMailProofs } from './mail-proofs.ts';
import type { FolderMailProofs, RelayHere } from './mail-proofs.ts';
import { openMemory } from './memory.ts';
import { openSecretFiles } from './secret-files.ts';
import type { SecretFiles } from './secret-files.ts';
import { resolversOf } from '../settings/verification.ts';
import { createUsageFacts } from '../relays/usage-facts.ts';
import { createFolderReader, mergeFiles } from '../manifests/read.ts';
import type { Touched } from '../manifests/walk-again.ts';
import { followRelay, programmedFact } from './relay-state.ts';
import type { RelayInProcess } from './relay-state.ts';
import { RELAY_FOLDER, readAccepted } from './relay-folder.ts';
import { createAnnouncer, createClassReporter, createReporter } from './report.ts';
import { openVerification } from './verification.ts';
import type { Verification } from './verification.ts';

export interface DirectoryOptions extends Omit<
  GatherOptions,
  'memory' | 'evidence' | 'keys' | 'mailProofs' | 'accepted'
> {
  readonly folder: string;
  readonly state: string;
  /** Files in the folder that are no manifests. */
  readonly ignore: readonly string[];
  readonly decide: (snapshot: Snapshot, now: Date) => Plan;
  readonly relay: RelayInProcess;
  /** Where it hands in mails of its own, and where people find its page. */
  readonly relayHere: RelayHere;
  /** Whether Secrets of users who are gone at the start are to go, however many they are. */
  readonly prune?: boolean;
  /** How long a Secret outlives its user; milliseconds. */
  readonly secretGraceMs?: number;
  /** Called after each round whose plan is carried out in full, and in force. */
  readonly onSettled: (plan: Plan) => void;
  /** People are told something of an object. */
  readonly onEvent?: (event: PlannedEvent) => void;
  /** Longest time without a look; milliseconds. */
  readonly idleMs?: number;
  /** How often the relay is asked what becomes of mail; milliseconds. */
  readonly askMs?: number | undefined;
  /** How long a status says the same of use, at least; milliseconds. */
  readonly usageHoldMs?: number | undefined;
  readonly log: Log;
}

export interface Directory {
  /** Look again soon. */
  readonly trigger: () => void;
  /** Pages for people. */
  readonly page: FolderMailProofs['page'];
  readonly close: () => Promise<void>;
}

interface Gathered {
  readonly snapshot: Snapshot;
  readonly context: Omit<PlanContext, 'now'>;
}

interface Decided {
  readonly plan: Plan;
  readonly context: PlanContext;
}

/** A manifest that moves from one file to another is gone for a moment: its password must outlive that. */
const SECRET_GRACE_MS = 5000;
/** How soon a relay that lags is asked again. */
const LAG_MS = 1000;
/** How soon what somebody deleted from the state folder is there again, where no event tells. A look plans everything. */
const IDLE_MS = 600_000;
/** As often as in a cluster: what it tells of upstreams is about minutes. */
const ASK_MS = 30_000;
/** A status is a file here, and there is one writer for all of them. */
const USAGE_HOLD_MS = 60_000;

/**
 * Starts to carry out what the folder says, now and after each change. Rejects where our Secrets can't be read: without
 * them, every user would get a new password.
 */
export async function startDirectory(options: DirectoryOptions): Promise<Directory> {
  const { folder, state, log } = options;
  const secretsFolder = join(state, 'secrets');
  const aside = await openKeptAside({ secrets: secretsFolder, folder: join(state, 'secrets-of-the-last-day') });
  await aside.tidy(Date.now());
  const secrets = await openSecretFiles(secretsFolder, { ...options, aside });
  await secrets.read();
  const deletions = await openDeletions({
    folder,
    record: join(state, 'manifests'),
    prune: options.prune ?? false,
    graceMs: options.secretGraceMs ?? SECRET_GRACE_MS,
    log,
  });
  const ignore = [...options.ignore, state];
  const verification = await openVerification({
    folder: join(state, 'evidence'),
    keysFolder: join(state, 'dkim'),
    resolvers: resolversOf(options.settings.verification),
    onEvidence: () => touch(NOTHING),
    log,
  });
  const mailProofs = await openMailProofs({ ...options, relay: options.relayHere, onEvidence: () => touch(NOTHING) });
  const sources = await openSources(options, { ignore, secrets, verification, mailProofs });
  const { memory } = sources;
  const applier = createApplier({ state, relayClass: options.settings.relayClass, memory, secrets, deletions });
  const actor = createActor(options, applier);
  const relay = followRelay(options.relay, options.settings.relayClass);
  const usage = createUsageFacts({
    objects: sources.counted,
    onChange: () => touch(NOTHING),
    holdMs: options.usageHoldMs ?? USAGE_HOLD_MS,
  });
  /**
   * What the next round looks at. One that begins only because its time has come looks at everything. At first, our
   * Secrets have just been read.
   */
  let next: Look | undefined = { ...EVERYTHING, secrets: NOTHING.secrets };
  const loop = startLoop<Gathered, Decided>(
    {
      gather: async () => {
        const look = next ?? EVERYTHING;
        next = undefined;
        return sources.gather({ programmed: actor.programmed(), relayFacts: relay.facts(), usage: usage.all() }, look);
      },
      decide: ({ snapshot, context }, now) => ({ plan: options.decide(snapshot, now), context: { ...context, now } }),
      act: async (decided) => {
        const outcome = await actor.act(decided);
        // what we have just read, and written ourselves, need not be read again
        if (outcome === 'again') next ??= NOTHING;
        else watchNow();
        verification.follow(decided.plan);
        // once the relay runs what is planned, by which it lets us in
        if (outcome === 'settled') mailProofs.follow(decided.plan);
        return outcome;
      },
      nextLook: ({ plan }) =>
        earliest(actor.nextLook(), plan.nextLook === undefined ? undefined : new Date(plan.nextLook)),
      onError: (error, retryMs) => {
        next = EVERYTHING;
        watchNow();
        log.error({ event: 'reconcile', err: error, retryMs }, 'could not carry out the plan');
      },
    },
    { idleMs: options.idleMs ?? IDLE_MS },
  );
  const touch = (look: Look): void => {
    next = next === undefined ? look : bothLooks(next, look);
    loop.trigger();
  };
  let endWatches: (() => void) | undefined;
  /** Not before the first round is done, which has enough to do: what happens meanwhile is seen then. */
  const watchNow = (): void => {
    const manifests = { folder, ignore, seen: sources.seen };
    endWatches ??= watchBoth({ manifests, secrets: { folder: secretsFolder, ...secrets } }, touch);
  };
  const asking = setInterval(() => {
    if (relay.hasNews()) touch(NOTHING);
    usage.take(new Map([['this process', options.relay.usage()]]));
  }, options.askMs ?? ASK_MS);
  return {
    trigger: () => touch(EVERYTHING),
    page: mailProofs.page,
    close: async () => {
      verification.close();
      mailProofs.close();
      clearInterval(asking);
      usage.close();
      await loop.close();
      endWatches?.();
    },
  };
}

/** Carries plans out in the one right order, and knows what was written last. */
function createActor({ relay, log, onSettled, onEvent }: DirectoryOptions, applier: Applier) {
  const announce = createAnnouncer(log, onEvent);
  let written: RelayHashes | undefined;
  let nextLook: Date | undefined;

  async function act({ plan, context }: Decided): Promise<'settled' | 'again'> {
    // until all of the plan is written, the relay runs another one
    written = undefined;
    // Secrets first: the relay accepts what is written down in them, by the plan of the next round
    const secrets = await applier.secrets(plan, context);
    ({ nextLook } = secrets);
    const { hashes, isChanged } = await applier.relay(plan, context);
    written = hashes;
    announce(plan);
    // statuses speak of what is in force: they are written by the next round, when the relay runs it
    if (isChanged) await relay.reload();
    if (isChanged || secrets.isChanged) return 'again';
    await applier.statuses(plan, context);
    if (programmedFact(relay, written).state !== 'Programmed') nextLook = new Date(Date.now() + LAG_MS);
    onSettled(plan);
    return 'settled';
  }

  return { act, programmed: () => programmedFact(relay, written), nextLook: () => nextLook };
}

/** What a round reads: the manifests, our Secrets, and what the state folder remembers of objects. */
async function openSources(
  options: DirectoryOptions,
  {
    ignore,
    secrets,
    verification,
    mailProofs,
  }: {
    ignore: readonly string[];
    secrets: SecretFiles;
    verification: Verification;
    mailProofs: FolderMailProofs;
  },
) {
  const { folder, state, log } = options;
  const { memory, problems } = await openMemory(join(state, 'memory'));
  const lastGood = await openLastGood(join(state, 'last-good'));
  for (const problem of [...problems, ...lastGood.problems]) log.warn({ event: 'state' }, problem);
  const reader = createFolderReader(folder, { ignore });
  const toInForce = createInForce(lastGood, { strict: options.settings.strict });
  const accepted = await readAccepted(join(state, RELAY_FOLDER));
  const toSnapshot = createGatherer({
    ...options,
    memory,
    accepted,
    evidence: verification.evidence,
    keys: verification.keys,
    mailProofs,
  });
  const report = createReporter(log);
  const reportClasses = createClassReporter(log);
  const lookAtManifests = async (touched: Touched) => {
    const { content, faults, faultsOf } = await toInForce(await reader.read(touched));
    const manifests = mergeFiles(content);
    report(manifests, faults);
    return { manifests, faultsOf };
  };
  let last: Awaited<ReturnType<typeof lookAtManifests>> | undefined;
  let counted: readonly string[] = [];
  const gather = async (relay: RelayFacts, look: Look): Promise<Gathered> => {
    if (last === undefined || isAny(look.manifests)) last = await lookAtManifests(look.manifests);
    const { manifests, faultsOf } = last;
    const isRestored = await secrets.restore(secretsWanted(manifests.manifests, options.installation));
    if (isRestored || isAny(look.secrets)) await secrets.read(isRestored ? 'any' : look.secrets);
    const snapshot = await toSnapshot({ manifests, faultsOf, own: secrets.current(), ...relay });
    reportClasses(snapshot.classes);
    const { objects } = snapshot;
    counted = objects.map(({ kind, meta }) => `${kind} ${keyOf(meta)}`);
    return { snapshot, context: { objects, incomplete: manifests.incomplete, looks: look.manifests === 'any' } };
  };
  return { gather, memory, seen: reader.seen, counted: () => counted };
}

function earliest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
