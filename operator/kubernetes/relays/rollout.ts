/**
 * Brings the relays' configuration to their pods: documents into Secrets, an annotation so that kubelets sync at once, then
 * the question which version each ready pod runs. An entry is programmed once all of them run a version that has it,
 * whatever else changes in its document meanwhile.
 */
import { fileOfEntry } from '../../core/fit.ts';
import type { ProgrammedFact, UpstreamFact } from '../../core/model.ts';
import type { AskedEntries } from '../../core/sources.ts';
import { compareText } from '../../core/time.ts';
import { messageOf } from '../../errors.ts';
import { createWorkQueue, type WorkQueueOptions } from '../client/queue.ts';
import { createDocumentVersions, type DocumentVersions } from './document-versions.ts';
import { BEING_WRITTEN, lagOf } from './lag.ts';
import type { RelayReports } from '../../relays/reports.ts';
import { fingerprintsIn, type AskPods, type PodAnswer } from './pod-answers.ts';
import type { RelayPods } from './relay-pods.ts';
import { hashOf, type ConfigSecrets } from '../write/configuration.ts';

export interface DocumentId {
  readonly className: string;
  readonly fileName: string;
}

/** What is to be written. */
export interface DocumentText {
  readonly text: string;
  /** Keys of the entries that it has no room for. */
  readonly leftOut: readonly string[];
}

export interface DocumentChange extends DocumentId {
  /** Keys of the entries that have changed: lists, user names, namespaces. */
  readonly entries: Iterable<string>;
  /** Something is taken away from somebody: that waits for nothing. */
  readonly isUrgent: boolean;
}

export interface Rollout {
  /** The document has changed: reads it and writes it soon. */
  readonly offer: (change: DocumentChange) => void;
  /** The pods of a class may have changed. */
  readonly lookAtPods: (className: string) => void;
  /** A Secret of ours in the cluster has changed: makes sure that it is what we wrote. */
  readonly repair: (secretName: string) => void;
  /** Whether the relays run these entries. */
  readonly stateOf: (className: string, asked: AskedEntries) => ProgrammedFact;
  /** What relays that run the list as it is now have told of its mail. */
  readonly upstreamOf: (className: string, list: string) => UpstreamFact | undefined;
  /** Fingerprints of the certificates that the ready relays of a class use; undefined where not all of them say. */
  readonly certificatesOf: (className: string) => readonly string[] | undefined;
  /** Asks all relays what they tell of themselves. */
  readonly hear: () => Promise<void>;
  /** Hashes of what was written last, by class and file name. */
  readonly written: () => Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** How long the change has waited that has waited longest for all ready relays of a class to run it; seconds, by class. */
  readonly lags: () => ReadonlyMap<string, number>;
  /** Whether no document is to be written. */
  readonly isIdle: () => boolean;
  readonly close: () => Promise<void>;
}

export interface RolloutOptions {
  readonly secrets: ConfigSecrets;
  readonly pods: RelayPods;
  readonly reports: RelayReports;
  readonly askPods: AskPods;
  /** The document as it should be now, or undefined where its class is gone. */
  readonly read: (document: DocumentId) => DocumentText | undefined;
  /** How many objects wait to be written: while there are many, a document is out of date as soon as it is written. */
  readonly backlog: () => number;
  /** The relays of a class run these entries now. Undefined: they run no more than before, but for another reason. */
  readonly onProgress: (className: string, entries?: ReadonlySet<string>) => void;
  /** An entry has lost its room in a document, or got it back. */
  readonly onRoom: (className: string, entry: string) => void;
  /** The last ready pod of a class has gone, or the first one has come: that concerns every object of the class. */
  readonly onServed: (className: string) => void;
  /** A document was written, this many seconds after it was offered. */
  readonly onWritten: (seconds: number) => void;
  readonly onDone: NonNullable<WorkQueueOptions['onDone']>;
  /** How long a class may be without a ready pod before its objects say so; milliseconds. */
  readonly unservedMs?: number | undefined;
}

/** A burst of changes to one document is one write. */
const SETTLE_MS = 20;
/** Time between two writes of one document: longer the more is to be done, when it would soon be out of date. */
const INTERVAL_MS = 200;
const INTERVAL_PER_OBJECT_MS = 5;
const INTERVAL_MOST_MS = 15_000;
const ASK_AGAIN_MS = 500;
const ASK_WHEN_FINE_MS = 30_000;
/** A rolling restart of a single relay takes less. */
const UNSERVED_MS = 30_000;

interface RelayClass {
  readonly documents: Map<string, DocumentVersions>;
  answers: readonly PodAnswer[] | undefined;
  /** By `performance.now()`; undefined while a pod is ready. */
  unservedSince: number | undefined;
  isUnserved: boolean;
  /** What was told last of the pods that lag; undefined: there was none to tell of. */
  lag: string | undefined;
  /** Entries that have changed since: of them it is still said that they are being written. */
  readonly changedSince: Set<string>;
}

export function startRollout(options: RolloutOptions): Rollout {
  const { secrets, pods, reports, askPods, unservedMs = UNSERVED_MS } = options;
  const classes = new Map<string, RelayClass>();
  const documents = createWorkQueue({ workers: 4, work: writeDocument, onDone: options.onDone });
  const lookAts = createWorkQueue({ workers: 4, work: lookAtPods, onDone: options.onDone });

  async function writeDocument(key: string): Promise<void> {
    const document = parseKey(key);
    const versions = versionsOf(classOf(document.className), document.fileName);
    const found = options.read(document);
    if (found === undefined) return versions.drop();
    const wasTrouble = versions.trouble() !== undefined;
    const since = versions.begin(hashOf(found.text));
    try {
      if (await secrets.write({ ...document, text: found.text })) {
        options.onWritten((performance.now() - since) / 1000);
      }
      for (const entry of versions.succeed(found.leftOut)) options.onRoom(document.className, entry);
      if (wasTrouble) options.onProgress(document.className);
    } catch (error) {
      // one document that cannot be written must not keep the others from being judged: what pods have of it stays
      versions.fail(`The relays' configuration of this object cannot be written: ${messageOf(error)}`);
      options.onProgress(document.className);
      throw error;
    } finally {
      lookAts.addAfter(document.className, SETTLE_MS);
    }
  }

  async function lookAtPods(className: string): Promise<void> {
    const relayClass = classOf(className);
    const written = writtenOf(relayClass);
    if (written.size === 0) return;
    await pods.bump(className, combinedHash(written));
    const answers = await hearClass(className);
    relayClass.answers = answers;
    judgeService(className, relayClass);
    const done = [...relayClass.documents].flatMap(([fileName, versions]) =>
      versions.run(answers.map(({ documents: running }) => running?.[fileName])),
    );
    if (done.length > 0) options.onProgress(className, new Set(done));
    tellOfLag(className, relayClass, answers);
    const isFine = answers.length > 0 && [...relayClass.documents.values()].every((versions) => !versions.isAwaited());
    const isLeaving = relayClass.unservedSince !== undefined && !relayClass.isUnserved;
    lookAts.addAfter(className, isFine && !isLeaving ? ASK_WHEN_FINE_MS : isLeaving ? unservedMs : ASK_AGAIN_MS);
  }

  async function hearClass(className: string): Promise<readonly PodAnswer[]> {
    const answers = await askPods(pods.ofClass(className));
    reports.take(className, new Map(answers.map(({ pod, relay }) => [pod, relay])));
    return answers;
  }

  /** Once all is written: while documents change, what is said about them would change with each. */
  function tellOfLag(className: string, relayClass: RelayClass, answers: readonly PodAnswer[]): void {
    const all = [...relayClass.documents.values()];
    if (all.some((versions) => versions.isDirty())) return;
    const lags = all.flatMap((versions) => {
      const entry = versions.someAwaited();
      return entry === undefined ? [] : [lagOf(entry, versions, answers)];
    });
    // who hears of no relay says so of each object, whatever is being written
    const isHeard = answers.length > 0;
    const lag = isHeard ? [...new Set(lags)].join('\n') : undefined;
    if (lag !== relayClass.lag) options.onProgress(className);
    else if (isHeard && relayClass.changedSince.size > 0)
      options.onProgress(className, new Set(relayClass.changedSince));
    relayClass.lag = lag;
    relayClass.changedSince.clear();
  }

  function judgeService(className: string, relayClass: RelayClass): void {
    const isServed = (relayClass.answers?.length ?? 0) > 0;
    relayClass.unservedSince = isServed ? undefined : (relayClass.unservedSince ?? performance.now());
    const since = relayClass.unservedSince;
    const isUnserved = since !== undefined && performance.now() - since >= unservedMs;
    if (isUnserved === relayClass.isUnserved) return;
    relayClass.isUnserved = isUnserved;
    options.onServed(className);
  }

  function stateOf(className: string, { entries, isChanged }: AskedEntries): ProgrammedFact {
    const relayClass = classOf(className);
    const versions = entries.map((entry) => ({ entry, document: versionsOf(relayClass, fileOfEntry(entry)) }));
    if (versions.some(({ entry, document }) => document.isLeftOut(entry))) return { state: 'NoRoom', message: '' };
    if (relayClass.isUnserved) return { state: 'Unserved', message: '' };
    const waiting = versions.filter(({ entry, document }) => document.isAwaited(entry));
    const trouble = waiting.map(({ document }) => document.trouble()).find((why) => why !== undefined);
    if (trouble !== undefined) return { state: 'NotWritten', message: trouble };
    const { answers } = relayClass;
    if (answers === undefined || answers.length === 0) return { state: 'Unknown', message: 'No relay pod is ready.' };
    const [first] = waiting;
    if (isChanged) return { state: 'Lagging', message: BEING_WRITTEN };
    if (first === undefined) return { state: 'Programmed', message: '' };
    return { state: 'Lagging', message: lagOf(first.entry, first.document, answers) };
  }

  function classOf(className: string): RelayClass {
    const known = classes.get(className);
    if (known !== undefined) return known;
    const fresh: RelayClass = {
      documents: new Map(),
      answers: undefined,
      unservedSince: undefined,
      isUnserved: false,
      lag: undefined,
      changedSince: new Set(),
    };
    classes.set(className, fresh);
    return fresh;
  }

  function offer({ className, fileName, entries, isUrgent }: DocumentChange): void {
    const relayClass = classOf(className);
    const versions = versionsOf(relayClass, fileName);
    versions.change(entries);
    for (const entry of entries) relayClass.changedSince.add(entry);
    const interval = isUrgent ? INTERVAL_MS : INTERVAL_MS + options.backlog() * INTERVAL_PER_OBJECT_MS;
    const earliest = versions.writtenAt() + Math.min(interval, INTERVAL_MOST_MS);
    documents.addAfter(`${className}/${fileName}`, Math.max(SETTLE_MS, earliest - performance.now()), { isUrgent });
  }

  return {
    offer,
    stateOf,
    upstreamOf: (className, list) =>
      versionsOf(classOf(className), fileOfEntry(list)).isAwaited(list)
        ? undefined
        : reports.of(className)?.upstreams.get(list),
    certificatesOf: (className) => fingerprintsIn(classOf(className).answers ?? []),
    hear: async () => void (await Promise.all([...pods.classNames()].map(hearClass))),
    lookAtPods: (className) => lookAts.addAfter(className, SETTLE_MS),
    written: () =>
      Object.fromEntries([...classes].map(([name, relayClass]) => [name, Object.fromEntries(writtenOf(relayClass))])),
    lags: () => new Map([...classes].map(([name, { documents: all }]) => [name, secondsAwaited([...all.values()])])),
    repair: (secretName) => {
      for (const [className, relayClass] of classes) {
        for (const [fileName, versions] of relayClass.documents) {
          const document = { className, fileName };
          const hash = versions.latest();
          if (hash === undefined || secrets.nameOf(document) !== secretName) continue;
          // a write of ours is heard of before it has ended
          if (!secrets.holds(document, hash)) offer({ ...document, entries: [], isUrgent: true });
        }
      }
    },
    isIdle: () =>
      documents.isIdle() &&
      [...classes.values()].every((one) => [...one.documents.values()].every((versions) => !versions.isDirty())),
    close: async () => {
      await Promise.all([documents.close(), lookAts.close()]);
    },
  };
}

function secondsAwaited(all: readonly DocumentVersions[]): number {
  const times = all.flatMap((versions) => versions.awaitedSince() ?? []);
  return times.length === 0 ? 0 : (performance.now() - Math.min(...times)) / 1000;
}

function versionsOf({ documents }: RelayClass, fileName: string): DocumentVersions {
  const known = documents.get(fileName);
  if (known !== undefined) return known;
  const fresh = createDocumentVersions();
  documents.set(fileName, fresh);
  return fresh;
}

function writtenOf({ documents }: RelayClass): ReadonlyMap<string, string> {
  const hashes = [...documents].map(([fileName, versions]) => [fileName, versions.written()] as const);
  return new Map(hashes.flatMap(([fileName, hash]) => (hash === undefined ? [] : [[fileName, hash]])));
}

function parseKey(key: string): DocumentId {
  const slash = key.lastIndexOf('/');
  return { className: key.slice(0, slash), fileName: key.slice(slash + 1) };
}

function combinedHash(hashes: ReadonlyMap<string, string>): string {
  const lines = [...hashes].map(([name, hash]) => `${name} ${hash}`);
  return hashOf(lines.sort(compareText).join('\n'));
}
