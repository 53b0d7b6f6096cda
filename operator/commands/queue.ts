/** `queue`: the mail that waits, and what people do with it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { MESSAGES_MAX } from '../../relay/admin/messages-max.ts';
import type { AdminRequest } from '../../relay/admin/protocol.ts';
import { inWords } from '../errors.ts';
import type { FoundMessage, QueueAnswer, QueueDoor } from './queue-door.ts';
import { CommandError, type Result } from './source.ts';
import { paragraph, shortTime, textTable, type Width } from './text.ts';

export interface Selected {
  readonly ids: readonly string[];
  readonly namespace?: string | undefined;
  readonly list?: string | undefined;
  readonly user?: string | undefined;
  readonly only?: AdminRequest['select']['state'];
  readonly isAll?: boolean | undefined;
}

export type QueueChange = 'retry' | 'hold' | 'release' | 'drop';

const RECIPIENTS_SHOWN = 2;
const HEADER = ['ID', 'STATE', 'RECEIVED', 'NEXT', 'TRIES', 'LIST', 'FROM', 'TO', 'LAST REPLY', 'POD'];

export async function runQueueList(
  door: QueueDoor,
  selected: Selected,
  { limit, width }: Width & { readonly limit: number },
): Promise<Result> {
  const answer = await door.ask(await requestOf(door, 'list', { ...selected, isAll: true }, limit));
  const shown = answer.messages.slice(0, limit);
  const isSeveral = shown.some(({ pod }) => pod !== undefined);
  const rows = [HEADER, ...shown.map(rowOf)].map((row) => (isSeveral ? row : row.slice(0, -1)));
  const rest = answer.matched - shown.length;
  const lines = textTable(rows, { width }, ['RECEIVED', 'TRIES', 'LIST', 'NEXT']);
  return {
    code: answer.silent.length === 0 ? 0 : 1,
    text: [
      ...(answer.matched === 0 ? ['No message waits.'] : lines),
      ...(rest > 0 ? [`... and ${rest} more: --limit shows more of them, --list and --user fewer`] : []),
    ].join('\n'),
    json: { ...answer, messages: shown },
    problems: silentOf(answer),
  };
}

export async function runQueueShow(door: QueueDoor, ids: readonly string[]): Promise<Result> {
  const answer = await door.ask(await requestOf(door, 'show', { ids }));
  const missing = ids.filter((id) => !answer.messages.some((message) => message.id === id));
  return {
    code: missing.length + answer.silent.length === 0 ? 0 : 1,
    text: answer.messages.map(describe).join('\n\n'),
    json: { messages: answer.messages, missing, silent: answer.silent },
    problems: [...missing.map(missingLine), ...silentOf(answer)],
  };
}

export interface ChangeOptions {
  /** Somebody has been asked already. */
  readonly isSure: boolean;
}

export async function runQueueChange(
  door: QueueDoor,
  change: QueueChange,
  selected: Selected,
  { isSure }: ChangeOptions = { isSure: true },
): Promise<Result> {
  const request = await requestOf(door, change, selected);
  if (!isSure) await askWhetherSure(door, request);
  const answer = await door.ask(request);
  const by = (wanted: string): string[] =>
    Object.entries(answer.outcomes)
      .filter(([, outcome]) => outcome === wanted)
      .map(([id]) => id);
  const [done, same, busy] = [by('done'), by('same'), by('busy')];
  const [missing, unselected] = [by('missing'), by('unselected')];
  const isMore = selected.ids.length === 0 && answer.matched > MESSAGES_MAX;
  return {
    code: busy.length + missing.length + unselected.length + answer.silent.length === 0 && !isMore ? 0 : 1,
    text: `${done.length} ${done.length === 1 ? 'message' : 'messages'} ${SAID[change]}${same.length > 0 ? `; ${same.length} left as they were: ${WHY_SAME[change]}` : ''}`,
    json: { done, unchanged: same, busy, missing, unselected, silent: answer.silent },
    problems: [
      ...busy.map(
        (id) => `error: ${id} is being handed to the smart host or to another relay now; ask again in a moment`,
      ),
      ...missing.map(missingLine),
      ...unselected.map((id) => `error: ${id} is there, and not among those that were asked for; it is left as it is`),
      ...(isMore ? [`error: there are more than ${MESSAGES_MAX} of them; run this again for the rest`] : []),
      ...silentOf(answer),
    ],
  };
}

const SAID = { retry: 'tried now', hold: 'held', release: 'released', drop: 'dropped' } as const;
const WHY_SAME = {
  retry: 'they are held; release them',
  hold: 'they were held already',
  release: 'they were not held',
  drop: '',
} as const;

/** Writes each message to a file of its own. @param folder `-`: the one message to standard output */
export async function runQueueExport(door: QueueDoor, ids: readonly string[], folder: string): Promise<Result> {
  if (folder === '-' && ids.length > 1) throw new CommandError('--to - takes one message; name a folder for several');
  const files: string[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    const content = await door.content(await requestOf(door, 'export', { ids: [id] }));
    if (content === undefined) missing.push(id);
    else if (folder === '-') process.stdout.write(content);
    else files.push(await writeMessage(join(folder, `${id}.eml`), content));
  }
  return {
    code: missing.length === 0 ? 0 : 1,
    text: files.map((file) => `written: ${file}`).join('\n'),
    json: folder === '-' ? undefined : { files, missing },
    problems: missing.map(missingLine),
  };
}

/** It is somebody's mail: for the owner of the file alone. */
async function writeMessage(file: string, content: Buffer): Promise<string> {
  try {
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
    return file;
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${inWords(error)}; name another folder with --to`, 1, {
      cause: error,
    });
  }
}

async function requestOf(
  door: QueueDoor,
  action: AdminRequest['do'],
  { ids = [], namespace, list, user, only, isAll }: Partial<Selected>,
  limit = MESSAGES_MAX,
): Promise<AdminRequest> {
  for (const id of ids) {
    if (!/^[A-Za-z0-9-]{1,80}$/.test(id))
      throw new CommandError(`${id} is no queue id; \`queue list\` shows those that there are`);
  }
  const filter = {
    ...(ids.length > 0 && { ids: [...new Set(ids)] }),
    ...(namespace !== undefined && { namespace }),
    ...(list !== undefined && { list }),
    ...(user !== undefined && { user }),
    ...(only !== undefined && { state: only }),
  };
  const isNothing = Object.keys(filter).length === 0;
  if (isNothing && isAll !== true) {
    throw new CommandError('say which messages: queue ids, --list, --user, --namespace or --only; or --all');
  }
  return { do: action, by: await door.who(), select: isNothing ? { isAll: true } : filter, limit };
}

/** On a terminal; elsewhere nobody could answer. */
async function askWhetherSure(door: QueueDoor, request: AdminRequest): Promise<void> {
  const { matched } = await door.ask({ ...request, do: 'list', limit: 0 });
  const what = `${matched} ${matched === 1 ? 'message' : 'messages'} will be gone for good, and nobody will be told`;
  if (!process.stdin.isTTY) throw new CommandError(`${what}; add --yes if that is meant`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const said = await terminal.question(`${what}. Type yes to go on: `);
    if (said.trim().toLowerCase() !== 'yes') throw new CommandError('nothing was dropped', 1);
  } finally {
    terminal.close();
  }
}

function missingLine(id: string): string {
  return `error: no message ${id} waits: it was delivered or returned (\`why ${id}\` says what became of it), or never came`;
}

function silentOf({ silent }: QueueAnswer): readonly string[] {
  return silent.map((words) => `warning: ${words}; its queue is not in this answer`);
}

function rowOf(message: FoundMessage): readonly string[] {
  const { id, state, received, next, attempts, list, from, recipients, pod = '' } = message;
  const named = recipients.slice(0, RECIPIENTS_SHOWN).map(({ address }) => address);
  const more = recipients.length > RECIPIENTS_SHOWN ? ` +${recipients.length - RECIPIENTS_SHOWN}` : '';
  const last = recipients.find(({ reply }) => reply !== undefined)?.reply ?? '-';
  return [
    id,
    state,
    shortTime(received),
    shortTime(next),
    String(attempts),
    list,
    from || '<>',
    named.join(' ') + more,
    last,
    pod,
  ];
}

function describe(message: FoundMessage): string {
  const { id, state, received, next, attempts, list, user, from, recipients, size, held, reportOn, pod } = message;
  const lines = [
    id,
    `  State: ${state}${next === undefined ? '' : `, tried again at ${next}`}`,
    ...(held === undefined ? [] : [`  Held by: ${held.by}, since ${held.since}`]),
    `  Received: ${received}, ${size} bytes`,
    `  User: ${user}`,
    `  List: ${list}`,
    ...(pod === undefined ? [] : [`  Pod: ${pod}`]),
    ...(reportOn === undefined ? [] : [`  Report on: ${reportOn}`]),
    `  Attempts: ${attempts}`,
    `  From: ${from || '<>'}`,
    '  Waiting recipients:',
    ...recipients.flatMap(({ address, reply, redirectedFrom }) => {
      const line = `    ${address}${redirectedFrom === undefined ? '' : ` (in place of ${redirectedFrom.join(', ')})`}`;
      return reply === undefined ? line : [line, `      ${reply}`];
    }),
  ];
  return lines.flatMap((line) => paragraph(line, '')).join('\n');
}
