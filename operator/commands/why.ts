/** `why`: everything that the logs and queues know about one message, or about the last ones to a recipient. */
import { createHmac } from 'node:crypto';
import type { SpooledMessage } from '../../relay/admin/protocol.ts';
import { isRecord, parseJson, textAt } from '../api/plain-data.ts';
import { printable } from '../printable.ts';
import { formatEntry } from '../standalone/log-lines.ts';
import type { LogSource } from './log-files.ts';
import type { QueueDoor } from './queue-door.ts';
import { CommandError, type Result } from './source.ts';

export interface WhyOptions {
  readonly logs: readonly LogSource[];
  readonly door: QueueDoor;
  /** Keys of the hashes that stand for addresses in the log, in hex. */
  readonly hashKeys: readonly string[];
}

interface Line {
  readonly from: string;
  readonly time: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** The last messages to a recipient, and the last lines about no message. */
const MESSAGES_MAX = 50;
const LINES_MAX = 1000;
const QUEUE_ID = /^[0-9A-HJKMNP-TV-Z]{18}$/;
/** As in relay/observe/log-addresses.ts. */
const HASH_LENGTH = 10;

export async function runWhy(what: string, { logs, door, hashKeys }: WhyOptions): Promise<Result> {
  const needle = what.replace(/^<|>$/g, '').trim();
  if (needle.length < 3) throw new CommandError(`${what} is no queue id, Message-ID or mail address`);
  const { ids, others } = await findIds(needle, logs, hashKeys);
  const found = await linesAbout(ids, logs);
  const { messages, problem } = await inQueues(ids, door);
  const all = [...new Set([...ids, ...messages.map(({ id }) => id)])];
  const isFound = all.some((id) => (found.get(id)?.length ?? 0) > 0 || messages.some((one) => one.id === id));
  const told = all.map((id) =>
    tellMessage(
      id,
      found.get(id) ?? [],
      messages.find((one) => one.id === id),
    ),
  );
  return {
    code: isFound || others.length > 0 ? 0 : 1,
    text: [
      ...told.filter((one) => one !== ''),
      ...(others.length === 0 ? [] : [['Before there was a message:', ...others.map(formatLine)].join('\n')]),
    ].join('\n\n'),
    json: {
      messages: all.map((id) => ({
        id,
        queue: messages.find((one) => one.id === id) ?? null,
        log: found.get(id) ?? [],
      })),
      others,
    },
    problems: [
      ...(problem === undefined ? [] : [`warning: ${problem}`]),
      ...(isFound || others.length > 0 ? [] : [`error: nothing is known of ${what}: ${whereLooked(logs)}`]),
    ],
  };
}

function whereLooked(logs: readonly LogSource[]): string {
  if (logs.length === 0) return 'it is in no queue, and no log was named (--log FILE, or - for standard input)';
  return `it is in no queue, nor in ${[...new Set(logs.map(({ name }) => name))].join(', ')}; an older log may have it`;
}

/** Ids of the messages whose lines name it, and lines that name it and are about none: refusals before DATA. */
async function findIds(needle: string, logs: readonly LogSource[], hashKeys: readonly string[]) {
  if (QUEUE_ID.test(needle)) return { ids: [needle], others: [] };
  const ids = new Set<string>();
  const others: Line[] = [];
  // a Message-ID that the relay made begins with the queue id
  const local = needle.slice(0, needle.indexOf('@')).toUpperCase();
  if (QUEUE_ID.test(local)) ids.add(local);
  const needles = [needle.toLowerCase(), ...hashKeys.map((key) => hashOf(needle, key))];
  for await (const line of allLines(logs, (text) => needles.some((one) => names(text, one)))) {
    const id = textAt(line.entry, 'id');
    if (id === undefined) others.push(line);
    else {
      // the last ones are the newest
      ids.delete(id);
      ids.add(id);
    }
  }
  return { ids: [...ids].slice(-MESSAGES_MAX), others: others.slice(-MESSAGES_MAX) };
}

/** As a whole: `ann@x` is not in `joann@x`. */
function names(text: string, needle: string): boolean {
  const lower = text.toLowerCase();
  for (let at = lower.indexOf(needle); at !== -1; at = lower.indexOf(needle, at + 1)) {
    const [before, after] = [lower.charAt(at - 1), lower.charAt(at + needle.length)];
    if (!/[\w.+-]/.test(before) && !/[\w-]/.test(after)) return true;
  }
  return false;
}

function hashOf(text: string, key: string): string {
  const hash = createHmac('sha256', Buffer.from(key, 'hex')).update(text.toLowerCase()).digest('hex');
  return `#${hash.slice(0, HASH_LENGTH)}`;
}

async function linesAbout(
  ids: readonly string[],
  logs: readonly LogSource[],
): Promise<ReadonlyMap<string, readonly Line[]>> {
  const found = new Map<string, Line[]>(ids.map((id) => [id, []]));
  if (ids.length === 0) return found;
  const isAbout = (text: string): boolean => ids.some((id) => text.includes(id));
  for await (const line of allLines(logs, isAbout)) {
    const text = JSON.stringify(line.entry);
    for (const id of ids.filter((one) => text.includes(one))) {
      const lines = found.get(id);
      if (lines !== undefined && lines.length < LINES_MAX) lines.push(line);
    }
  }
  for (const lines of found.values()) lines.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)));
  return found;
}

async function* allLines(logs: readonly LogSource[], isWanted: (text: string) => boolean): AsyncGenerator<Line> {
  for (const { name, lines } of logs) {
    for await (const text of lines()) {
      if (!isWanted(text)) continue;
      const parsed = parseJson(text);
      // a process on a terminal writes for people
      const entry = isRecord(parsed) ? parsed : { msg: text.trim() };
      yield { from: name, time: textAt(entry, 'time') ?? '', entry };
    }
  }
}

async function inQueues(
  ids: readonly string[],
  door: QueueDoor,
): Promise<{ readonly messages: readonly SpooledMessage[]; readonly problem?: string }> {
  if (ids.length === 0) return { messages: [] };
  try {
    const by = await door.who();
    const { messages, silent } = await door.ask({ do: 'show', by, select: { ids: [...ids] }, limit: ids.length });
    return { messages, ...(silent.length > 0 && { problem: silent.join('; ') }) };
  } catch (error) {
    // a process that does not run, or no right to run commands in pods: the log may say enough
    if (!(error instanceof CommandError)) throw error;
    return { messages: [], problem: `the queues could not be asked: ${error.message}` };
  }
}

function tellMessage(id: string, lines: readonly Line[], queued: SpooledMessage | undefined): string {
  if (lines.length === 0 && queued === undefined) return '';
  return [`${id}: ${standOf(lines, queued)}`, ...lines.map(formatLine)].join('\n');
}

function standOf(lines: readonly Line[], queued: SpooledMessage | undefined): string {
  if (queued !== undefined) {
    const { state, next, recipients, held } = queued;
    const when = next === undefined ? '' : `, tried again at ${next}`;
    const by = held === undefined ? '' : ` by ${held.by} since ${held.since}`;
    const last = recipients.find(({ reply }) => reply !== undefined)?.reply;
    return printable(`in the queue, ${state}${by}${when}${last === undefined ? '' : `; last reply: ${last}`}`);
  }
  const last = lines.at(-1)?.entry ?? {};
  const words = textAt(last, 'words') ?? textAt(last, 'reply');
  return printable(
    `not in the queue; last: ${textAt(last, 'msg') ?? 'unknown'}${words === undefined ? '' : `, ${words}`}`,
  );
}

function formatLine({ from, time, entry }: Line): string {
  return printable(`  ${time} ${textAt(entry, 'level') ?? ''} [${from}] ${formatEntry(entry)}`);
}
