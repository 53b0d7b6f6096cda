/** Events: the same one again becomes a series instead of another object. They never get in the way of work. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { keyOf, type ObjectMeta, type PlannedEvent } from '../../core/model.ts';
import { formatMicroTime, formatTime } from '../../core/time.ts';
import { API_VERSION } from '../../api/common.ts';
import type { KubeClient } from './client.ts';
import { EVENTS, pathOf } from './resources.ts';

/** About an object of our kinds, or of the API version that it names. */
export interface EventAbout extends Pick<PlannedEvent, 'type' | 'reason' | 'message'> {
  readonly kind: string;
  readonly apiVersion?: string;
  readonly meta: Pick<ObjectMeta, 'namespace' | 'name' | 'uid'>;
}

export interface EventRecorder<About extends EventAbout = PlannedEvent> {
  readonly record: (event: About) => void;
  /** Events that were dropped because too many waited. */
  readonly dropped: () => number;
  readonly close: () => Promise<void>;
}

/** Beyond these they are dropped: an Event is a note for people, and nobody reads ten thousand. */
const WAITING_MAX = 1000;
const REMEMBERED_MAX = 4096;
/** Keeps most of our request rate, and of the API server's storage, for what matters. */
const PER_SECOND = 20;
/** The API server takes no more octets in a message. */
const MESSAGE_BYTES = 1024;
/** A series is written at most this often; repeats in between are counted with the next. */
const SERIES_INTERVAL_MS = 60_000;

const CONTROLLER = 'smtpplus.io/operator';

interface Remembered {
  count: number;
  writtenAt: number;
}

export function startEventRecorder<About extends EventAbout = PlannedEvent>(
  client: KubeClient,
  options: {
    readonly instance: string /** Once for each, whatever becomes of it. */;
    readonly onRecord?: (event: About) => void;
    readonly onTrouble: (message: string) => void;
  },
): EventRecorder<About> {
  const remembered = new Map<string, Remembered>();
  const waiting: About[] = [];
  let dropped = 0;
  let isClosed = false;
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
      await write(event).catch((error: unknown) =>
        options.onTrouble(`an Event about ${event.kind} ${keyOf(event.meta)} cannot be written: ${messageOf(error)}`),
      );
      await sleep(1000 / PER_SECOND);
    }
    running = undefined;
  }

  async function write(event: About): Promise<void> {
    const name = nameOf(event);
    const before = remembered.get(name);
    if (before === undefined) {
      remember(name, { count: 1, writtenAt: performance.now() });
      if (await create(client, event, name, options.instance)) return;
      // our Event from before a restart is still there
      await writeSeries(client, event, name, (await readCount(client, event, name)) + 1);
      return;
    }
    before.count += 1;
    if (performance.now() - before.writtenAt < SERIES_INTERVAL_MS) return;
    before.writtenAt = performance.now();
    // the API server forgets Events after an hour
    if (!(await writeSeries(client, event, name, before.count))) remembered.delete(name);
  }

  function remember(name: string, entry: Remembered): void {
    const [oldest] = remembered.keys();
    if (remembered.size >= REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
    remembered.set(name, entry);
  }

  return {
    record: (event) => {
      if (isClosed) return;
      options.onRecord?.(event);
      if (waiting.length >= WAITING_MAX) dropped += 1;
      else waiting.push({ ...event, message: cut(event.message) });
      running ??= drain();
    },
    dropped: () => dropped,
    close: async () => {
      isClosed = true;
      waiting.length = 0;
      await running;
    },
  };
}

function cut(message: string): string {
  const text = Buffer.from(message).subarray(0, MESSAGE_BYTES).toString();
  // what was left of a character
  return text.replace(/\ufffd$/, '');
}

/** The same name for the same message about the same object, also after a restart. */
function nameOf({ meta, type, reason, message }: EventAbout): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([meta.uid, type, reason, message]))
    .digest('hex');
  // a part between dots ends in a letter or digit, also where it is cut
  return `${meta.name.slice(0, 200).replace(/[^a-z0-9]+$/, '')}.${hash.slice(0, 16)}`;
}

/** By the core API and with the times of old: `kubectl get events --sort-by=.lastTimestamp` knows no others. */
async function create(client: KubeClient, event: EventAbout, name: string, instance: string): Promise<boolean> {
  const { kind, apiVersion = API_VERSION, meta, type, reason, message } = event;
  const now = new Date();
  const body = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: meta.namespace, name },
    eventTime: formatMicroTime(now),
    firstTimestamp: formatTime(now),
    lastTimestamp: formatTime(now),
    count: 1,
    reportingComponent: CONTROLLER,
    reportingInstance: instance,
    source: { component: CONTROLLER },
    action: 'Reconcile',
    type,
    reason,
    message,
    involvedObject: { apiVersion, kind, namespace: meta.namespace, name: meta.name, uid: meta.uid },
  };
  const answer = await client.request({ method: 'POST', path: pathOf(EVENTS, { namespace: meta.namespace }), body });
  if (answer.ok || answer.status === 404 || answer.status === 403) return true;
  if (answer.status === 409) return false;
  throw new Error(`${answer.status} ${answer.message}`);
}

async function writeSeries(client: KubeClient, event: EventAbout, name: string, count: number): Promise<boolean> {
  const now = new Date();
  const times = Math.max(count, 2);
  const answer = await client.request({
    method: 'PATCH',
    path: pathOf(EVENTS, { namespace: event.meta.namespace, name }),
    contentType: 'application/merge-patch+json',
    body: {
      count: times,
      lastTimestamp: formatTime(now),
      series: { count: times, lastObservedTime: formatMicroTime(now) },
    },
  });
  return answer.ok;
}

async function readCount(client: KubeClient, event: EventAbout, name: string): Promise<number> {
  const path = pathOf(EVENTS, { namespace: event.meta.namespace, name });
  const answer = await client.request<{ series?: { count?: number } }>({ method: 'GET', path });
  return answer.ok ? (answer.body.series?.count ?? 1) : 1;
}
