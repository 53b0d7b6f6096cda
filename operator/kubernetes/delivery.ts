/**
 * Brings the relay's configuration to its pods: documents into Secrets, an annotation so that kubelets sync at once, and
 * then the question whether every ready pod runs them.
 */
import type { ProgrammedFact } from '../core/model.ts';
import { compareText } from '../core/time.ts';
import { messageOf } from './client/answers.ts';
import type { ConfigSecrets } from './config-secrets.ts';
import { hashOf } from './config-secrets.ts';
import type { DocumentId, DocumentText } from './documents.ts';
import { judgePods } from './programmed.ts';
import { createWorkQueue, type WorkQueueOptions } from './queue.ts';
import type { RelayPods } from './relay-pods.ts';

export interface Delivery {
  /** The document may have changed: reads it and writes it soon. */
  readonly offer: (document: DocumentId) => void;
  /** The pods of a class may have changed. */
  readonly lookAtPods: (className: string) => void;
  /** What was written last, by class and file name. */
  readonly written: () => Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** A Secret of ours in the cluster has changed: makes sure that it is what we wrote. */
  readonly repair: (secretName: string) => void;
  /** Whether no document is to be written. */
  readonly isIdle: () => boolean;
  readonly close: () => Promise<void>;
}

export interface DeliveryOptions {
  readonly secrets: ConfigSecrets;
  readonly pods: RelayPods;
  /** The document as it should be now, or undefined where its class is gone. */
  readonly read: (document: DocumentId) => DocumentText | undefined;
  /** Keys that wait for the other workers: while there are many, a document would be out of date as soon as written. */
  readonly backlog: () => number;
  readonly onProgrammed: (className: string, fact: ProgrammedFact) => void;
  /** Keys of the entries that a document, as it was just written, has no room for. */
  readonly onLeftOut: (document: DocumentId, keys: readonly string[]) => void;
  /** A document was written, this many seconds after it was offered. */
  readonly onWritten: (seconds: number) => void;
  readonly onDone: NonNullable<WorkQueueOptions['onDone']>;
}

/** A burst of changes to one document is one write. */
const SETTLE_MS = 20;
/** Time between two writes of one document: longer the more is to be done, when it would soon be out of date. */
const INTERVAL_MS = 200;
const INTERVAL_PER_KEY_MS = 2;
const INTERVAL_MOST_MS = 15_000;
const ASK_AGAIN_MS = 500;
const ASK_WHEN_FINE_MS = 30_000;
const BEING_WRITTEN: ProgrammedFact = { state: 'Lagging', message: 'The configuration is being written.' };

export function startDelivery(options: DeliveryOptions): Delivery {
  const { secrets, pods } = options;
  const written = new Map<string, Map<string, string>>();
  const writtenAt = new Map<string, number>();
  /** Names of documents that are to be written, by class. */
  const dirty = new Map<string, Set<string>>();
  const offeredAt = new Map<string, number>();
  /** Why documents are not in what pods are given: by class and name of the document. */
  const unwritten = new Map<string, Map<string, string>>();

  const documents = createWorkQueue({ workers: 4, work: writeDocument, onDone: options.onDone });
  const classes = createWorkQueue({ workers: 4, work: lookAtPods, onDone: options.onDone });

  async function writeDocument(key: string): Promise<void> {
    const document = parseKey(key);
    const { className, fileName } = document;
    const since = offeredAt.get(key) ?? performance.now();
    const found = options.read(document);
    dirtyOf(className).delete(fileName);
    if (found === undefined) return;
    const { text, leftOut } = found;
    writtenAt.set(key, performance.now());
    const hashes = mapIn(written, className);
    const before = hashes.get(fileName);
    hashes.set(fileName, hashOf(text));
    try {
      if (await secrets.write({ ...document, text })) options.onWritten((performance.now() - since) / 1000);
      offeredAt.delete(key);
      mapIn(unwritten, className).delete(fileName);
      options.onLeftOut(document, leftOut);
    } catch (error) {
      // one document that cannot be written must not keep the others from being judged: what pods have of it stays
      if (before === undefined) hashes.delete(fileName);
      else hashes.set(fileName, before);
      const why = `The relays' configuration of this object cannot be written: ${messageOf(error)}`;
      mapIn(unwritten, className).set(fileName, why);
      throw error;
    } finally {
      classes.addAfter(className, SETTLE_MS);
    }
  }

  async function lookAtPods(className: string): Promise<void> {
    const hashes = written.get(className);
    if (hashes === undefined) return;
    if (dirtyOf(className).size > 0) return classes.addAfter(className, ASK_AGAIN_MS);
    await pods.bump(className, combinedHash(hashes));
    const fact = await judgePods(pods.ofClass(className), hashes);
    // a document that changed while we were asking is not what the pods were asked for
    if (dirtyOf(className).size > 0) return classes.addAfter(className, ASK_AGAIN_MS);
    tell(className, fact);
    classes.addAfter(className, fact.state === 'Lagging' ? ASK_AGAIN_MS : ASK_WHEN_FINE_MS);
  }

  function tell(className: string, fact: ProgrammedFact): void {
    const missing = mapIn(unwritten, className);
    options.onProgrammed(className, missing.size === 0 ? fact : { ...fact, unwritten: Object.fromEntries(missing) });
  }

  const dirtyOf = (className: string): Set<string> => dirty.get(className) ?? new Set();

  function offer({ className, fileName }: DocumentId): void {
    const key = `${className}/${fileName}`;
    dirty.set(className, dirtyOf(className).add(fileName));
    if (!offeredAt.has(key)) offeredAt.set(key, performance.now());
    if (pods.ofClass(className).some((pod) => pod.isReady)) tell(className, BEING_WRITTEN);
    const interval = Math.min(INTERVAL_MS + options.backlog() * INTERVAL_PER_KEY_MS, INTERVAL_MOST_MS);
    const earliest = (writtenAt.get(key) ?? -Infinity) + interval;
    documents.addAfter(key, Math.max(SETTLE_MS, earliest - performance.now()));
  }

  return {
    offer,
    lookAtPods: (className) => classes.addAfter(className, SETTLE_MS),
    written: () => Object.fromEntries([...written].map(([name, hashes]) => [name, Object.fromEntries(hashes)])),
    repair: (secretName) => {
      for (const [className, hashes] of written) {
        for (const fileName of hashes.keys()) {
          const document = { className, fileName };
          if (secrets.nameOf(document) === secretName && !secrets.holds(document, hashes.get(fileName)))
            offer(document);
        }
      }
    },
    isIdle: () => documents.isIdle() && [...dirty.values()].every((set) => set.size === 0),
    close: async () => {
      await Promise.all([documents.close(), classes.close()]);
    },
  };
}

function mapIn<Value>(maps: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  const map = maps.get(key) ?? new Map<string, Value>();
  maps.set(key, map);
  return map;
}

function parseKey(key: string): DocumentId {
  const slash = key.lastIndexOf('/');
  return { className: key.slice(0, slash), fileName: key.slice(slash + 1) };
}

function combinedHash(hashes: ReadonlyMap<string, string>): string {
  const lines = [...hashes].map(([name, hash]) => `${name} ${hash}`);
  return hashOf(lines.sort(compareText).join('\n'));
}
