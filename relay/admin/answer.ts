/** Carries out what people ask for over the admin socket of one spool. */
import { createReadStream } from 'node:fs';
import type { QueueControl } from '../delivery/queue-control.ts';
import type { Log } from '../observe/log.ts';
import type { Content } from '../message.ts';
import type { SpoolEntry } from '../spool/entries.ts';
import type { QueuedMessage } from '../spool/record.ts';
import type { Spool } from '../spool/spool.ts';
import type { AdminRequest, AdminAnswer, SpooledMessage } from './protocol.ts';

export interface AdminParts {
  readonly spool: Spool;
  readonly queue: QueueControl;
  readonly log: Log;
}

/** Lines of the log that one request may cause. */
const LOGGED_MAX = 100;
const CHUNK_BYTES = 48 * 1024;

export async function* answer(parts: AdminParts, request: AdminRequest): AsyncGenerator<AdminAnswer> {
  const { spool, queue } = parts;
  const { do: action, select, limit } = request;
  if (Object.keys(select).length === 0) {
    yield { problem: 'nothing says which messages are meant' };
    return;
  }
  const matching = find(parts, select);
  const entries = matching.slice(0, limit);
  switch (action) {
    case 'list':
    case 'show':
      for (const entry of entries) yield* shown(parts, entry);
      break;
    case 'export':
      for (const entry of entries) yield* exported(parts, entry);
      break;
    case 'retry':
    case 'hold':
    case 'release':
    case 'drop': {
      const ids = new Set(entries.map(({ id }) => id));
      const others = othersOf(parts, select, matching);
      const told = new Map([...ids].map((id) => [id, spool.look(id)]));
      const outcomes = await queue[action](ids, request.by);
      tellLog(parts, request, { outcomes, told });
      for (const [changed, outcome] of [...outcomes, ...others]) yield { changed, outcome };
    }
  }
  yield { end: { matched: matching.length } };
}

function find({ spool, queue }: AdminParts, select: AdminRequest['select']): readonly SpoolEntry[] {
  const { ids, namespace, list, user, state } = select;
  const among = ids === undefined ? spool.entries() : ids.flatMap((id) => spool.entry(id) ?? []);
  return [...among].filter(
    (entry) =>
      (namespace === undefined || entry.sender.namespace === namespace) &&
      (list === undefined || entry.sender.list === list) &&
      (user === undefined || entry.sender.user === user) &&
      (state === undefined || queue.stateOf(entry) === state),
  );
}

/** Those that are named are told of, whether they are there or not; no name gets around what else is asked for. */
function othersOf(
  { spool }: AdminParts,
  { ids = [] }: AdminRequest['select'],
  matching: readonly SpoolEntry[],
): ReadonlyMap<string, 'missing' | 'unselected'> {
  const matched = new Set(matching.map(({ id }) => id));
  const others = ids.filter((id) => !matched.has(id));
  return new Map(others.map((id) => [id, spool.entry(id) === undefined ? 'missing' : 'unselected']));
}

function* shown({ spool, queue }: AdminParts, entry: SpoolEntry): Generator<AdminAnswer> {
  const queued = spool.look(entry.id);
  if (queued !== undefined) yield { message: describe(queued, entry, queue) };
}

function describe(queued: QueuedMessage, entry: SpoolEntry, queue: QueueControl): SpooledMessage {
  const { id, namespace, user, list, envelope, pending, size, attempts, received, held, reportOn } = queued;
  const dueIn = queue.dueIn(entry);
  return {
    id,
    state: queue.stateOf(entry),
    namespace,
    user,
    list,
    from: envelope.from,
    recipients: pending.map(({ address, redirectedFrom, last }) => ({
      address,
      redirectedFrom,
      reply: last?.text,
      code: last?.code,
    })),
    size,
    attempts,
    received,
    next: dueIn === undefined ? undefined : new Date(Date.now() + dueIn).toISOString(),
    held,
    reportOn,
  };
}

async function* exported(parts: AdminParts, entry: SpoolEntry): AsyncGenerator<AdminAnswer> {
  const found = await parts.spool.read(entry.id);
  if (found === undefined) return;
  yield { message: describe(found.queued, entry, parts.queue) };
  for await (const piece of piecesOf(found.content)) {
    for (let start = 0; start < piece.length; start += CHUNK_BYTES) {
      yield { chunk: piece.subarray(start, start + CHUNK_BYTES).toString('base64') };
    }
  }
}

async function* piecesOf({ head, body }: Content): AsyncGenerator<Buffer> {
  yield head;
  if (body.kind === 'memory') yield body.bytes;
  else for await (const chunk of createReadStream(body.path)) yield chunk as Buffer;
}

interface Done {
  readonly outcomes: ReadonlyMap<string, string>;
  readonly told: ReadonlyMap<string, QueuedMessage | undefined>;
}

/** One line for each message that was changed, and one for those beyond the bound. */
function tellLog({ log }: AdminParts, { do: action, by }: AdminRequest, { outcomes, told }: Done): void {
  const done = [...outcomes].filter(([, outcome]) => outcome === 'done').map(([id]) => id);
  for (const id of done.slice(0, LOGGED_MAX)) {
    const { list, user, envelope } = told.get(id) ?? {};
    log.warn({ event: 'queue', action, by, id, list, user, from: envelope?.from }, SAID[action]);
  }
  if (done.length > LOGGED_MAX) {
    log.warn({ event: 'queue', action, by, messages: done.length - LOGGED_MAX }, `${SAID[action]}, and so many more`);
  }
}

const SAID: Readonly<Record<AdminRequest['do'], string>> = {
  list: 'listed',
  show: 'shown',
  export: 'exported',
  retry: 'somebody asked for another attempt now',
  hold: 'somebody holds the message: it is not delivered until it is released',
  release: 'somebody released the message',
  drop: 'somebody dropped the message: it is gone, and nobody is told',
};
