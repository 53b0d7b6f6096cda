/**
 * Mail on volumes that no relay reads any more: says so, and has it brought out. A relay says at its end what it leaves, which is
 * noted on the claim of its volume; of one that was killed nobody knows, and so its spool counts as one with mail.
 */
import { messageOf } from '../../errors.ts';
import type { Settings } from '../../settings/settings.ts';
import type { KubeClient } from '../client/client.ts';
import type { EventAbout } from '../client/events.ts';
import { createWorkQueue, type WorkQueueOptions } from '../client/queue.ts';
import type { Fleets } from '../relays/fleets.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { RelayPods } from '../relays/relay-pods.ts';
import { DRAIN_ANNOTATION, startSpoolClaims } from './claims.ts';
import { startDrains, type Drain } from './drains.ts';
import { doubtful, relayOf, strandedSpools, type SpoolClaim, type StrandedSpool } from './judge.ts';

export interface Stranded {
  readonly synced: Promise<unknown>;
  readonly hasSynced: () => boolean;
  /** Relays, volumes or the wanted number of relays may have changed. */
  readonly lookAt: (className: string) => void;
  /** A relay has ended, and left this many messages. */
  readonly ended: (className: string, relay: string, messages: number) => void;
  /** Nobody has watched for so long: what was noted before is believed only as far as that allows. */
  readonly doubt: (unwatchedMs: number) => Promise<void>;
  /** Acts from now on. */
  readonly start: () => void;
  readonly close: () => Promise<void>;
}

export interface StrandedOptions {
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly mode: Settings['drainSpools'] | undefined;
  readonly classNames: () => Iterable<string>;
  readonly fleets: Pick<Fleets, 'of'>;
  readonly pods: Pick<RelayPods, 'ofClass'>;
  readonly record: (event: EventAbout) => void;
  readonly metrics: Pick<OperatorMetrics, 'strandedSpools' | 'strandedMessages'>;
  readonly onDone: NonNullable<WorkQueueOptions['onDone']>;
  readonly onTrouble: (message: string) => void;
  readonly signal: AbortSignal;
  /** How often each class is looked at, whatever happens; milliseconds. */
  readonly lookMs?: number;
}

const LOOK_MS = 60_000;
const SETTLE_MS = 100;
/** The API server forgets Events after an hour. */
const TELL_AGAIN_MS = 3_000_000;
const KEY_PREFIX = 'stranded/';

export function startStranded(client: KubeClient, options: StrandedOptions): Stranded {
  const { namespace, mode = 'OnRequest', fleets, pods, metrics, onTrouble, signal, lookMs = LOOK_MS } = options;
  /** By relay: what is not noted yet. */
  const ends = new Map<string, number>();
  const told = new Map<string, { readonly message: string; readonly at: number }>();
  let isStarted = false;
  const queue = createWorkQueue({ workers: 1, work: visit, onDone: options.onDone });
  const lookAt = (className: string): void => {
    if (isStarted) queue.addAfter(`${KEY_PREFIX}${className}`, SETTLE_MS);
  };
  const where = { namespace, onChange: lookAt, onTrouble, signal };
  const claims = startSpoolClaims(client, where);
  const drains = startDrains(client, where);

  async function visit(key: string): Promise<void> {
    const className = key.slice(KEY_PREFIX.length);
    try {
      await noteEnds(className);
      await endDrains(className);
      const stranded = judge(className);
      count(className, stranded);
      for (const spool of stranded) await bringOut(className, spool);
    } finally {
      queue.addAfter(key, lookMs);
    }
  }

  /** On the claim of each relay that has ended; and what was noted of one that runs again is out of date. */
  async function noteEnds(className: string): Promise<void> {
    const fleet = fleets.of(className);
    if (fleet === undefined) return;
    const running = new Set(pods.ofClass(className).flatMap(({ name, left }) => (left === undefined ? [name] : [])));
    for (const claim of claims.ofClass(className)) {
      const relay = relayOf(claim, fleet)?.name ?? '';
      if (running.has(relay)) await claims.note(claim, undefined);
      else if (ends.has(relay)) await claims.note(claim, ends.get(relay));
      ends.delete(relay);
    }
  }

  async function endDrains(className: string): Promise<void> {
    const fleet = fleets.of(className);
    for (const drain of drains.ofClass(className)) {
      const isOf = (one: SpoolClaim): boolean => fleet !== undefined && relayOf(one, fleet)?.name === drain.relay;
      const claim = claims.ofClass(className).find(isOf);
      const relay = fleet && claim && relayOf(claim, fleet);
      if (drain.hasEnded && claim !== undefined) {
        if (drain.left !== undefined) await claims.note(claim, drain.left);
        if (drain.left === 0) record({ claim, relay: drain.relay }, 'Normal', 'SpoolDrained', EMPTY);
      }
      // the relay itself is wanted again, and waits for its name and its volume
      const isInTheWay = fleet !== undefined && relay !== undefined && relay.number < fleet.relays;
      if ((drain.hasEnded || isInTheWay) && !drain.isGoing) await drains.remove(drain);
    }
  }

  function judge(className: string): readonly StrandedSpool[] {
    const names = new Set(pods.ofClass(className).map(({ name }) => name));
    return strandedSpools(claims.ofClass(className), fleets.of(className), names);
  }

  function count(className: string, stranded: readonly StrandedSpool[]): void {
    metrics.strandedSpools.set({ class: className }, stranded.length);
    const messages = stranded.reduce((sum, { claim }) => sum + (claim.messages ?? 0), 0);
    metrics.strandedMessages.set({ class: className }, messages);
    const names = new Set(stranded.map(({ claim }) => claim.name));
    for (const name of told.keys()) {
      if (claims.ofClass(className).some((one) => one.name === name) && !names.has(name)) told.delete(name);
    }
  }

  async function bringOut(className: string, spool: StrandedSpool): Promise<void> {
    const { claim, relay } = spool;
    const fleet = fleets.of(className);
    const isDrained = mode === 'Automatically' || (mode === 'OnRequest' && claim.isDrainWanted);
    tell(spool, isDrained);
    if (!isDrained || fleet === undefined || relay === undefined) return;
    const before = drains.ofClass(className).find((drain: Drain) => drain.relay === relay);
    if (before === undefined) await drains.start(fleet, { relay, claim: claim.name });
  }

  function tell(spool: StrandedSpool, isDrained: boolean): void {
    const { claim, relay } = spool;
    const message = wordsFor(spool, { namespace, mode, isDrained });
    const before = told.get(claim.name);
    if (before?.message === message && performance.now() - before.at < TELL_AGAIN_MS) return;
    told.set(claim.name, { message, at: performance.now() });
    record({ claim, relay }, 'Warning', 'SpoolStranded', message);
    onTrouble(`volume ${namespace}/${claim.name}: ${message}`);
  }

  function record({ claim }: StrandedSpool, type: EventAbout['type'], reason: string, message: string): void {
    const meta = { namespace, name: claim.name, uid: claim.uid };
    options.record({ kind: 'PersistentVolumeClaim', apiVersion: 'v1', meta, type, reason, message });
  }

  const all = [claims, drains];
  return {
    synced: Promise.all(all.map(({ synced }) => synced)),
    hasSynced: () => all.every((one) => one.hasSynced()),
    lookAt,
    ended: (className, relay, messages) => {
      ends.set(relay, messages);
      lookAt(className);
    },
    doubt: async (unwatchedMs) => {
      for (const className of options.classNames()) {
        const doubted = doubtful(claims.ofClass(className), { fleet: fleets.of(className), unwatchedMs });
        // what cannot be noted keeps nobody from leading
        const noted = doubted.map((claim) =>
          claims.note(claim, undefined).catch((error) => onTrouble(messageOf(error))),
        );
        await Promise.all(noted);
      }
    },
    start: () => {
      isStarted = true;
      for (const className of options.classNames()) lookAt(className);
    },
    close: async () => {
      await queue.close();
      // other settings may have other classes
      for (const metric of [metrics.strandedSpools, metrics.strandedMessages]) metric.reset();
    },
  };
}

const EMPTY = 'All mail of this volume is delivered, or has gone to another relay. The volume can be deleted.';

function wordsFor(
  { claim, relay }: StrandedSpool,
  { namespace, mode, isDrained }: Pick<StrandedOptions, 'namespace' | 'mode'> & { readonly isDrained: boolean },
): string {
  const { messages, name } = claim;
  const what =
    messages === undefined ? 'Mail may wait' : `${messages} ${messages === 1 ? 'message waits' : 'messages wait'}`;
  const on = `${what} on this volume, and no relay reads it any more. `;
  if (relay === undefined) {
    return `${on}Its class has no relays with volumes: give it some (spool: Allow), or delete the volume if its mail does not matter.`;
  }
  if (isDrained) return `${on}The pod ${relay} empties it.`;
  const again = `Scale the relays out again`;
  if (mode === 'Never') return `${on}${again}, or set drainSpools in the settings.`;
  return `${on}${again}, or have a pod empty it: kubectl -n ${namespace} annotate pvc ${name} ${DRAIN_ANNOTATION}=true`;
}
