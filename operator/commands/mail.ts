/** `mail`: what one process has captured instead of sending it, and what guards of lists kept from recipients. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../api/plain-data.ts';
import { inWords } from '../errors.ts';
import { printable } from '../printable.ts';
import { subjectOf } from './mail-subject.ts';
import { CommandError, type Result } from './source.ts';
import { shortTime, table, type Width } from './text.ts';

/** Folders with captured mail. */
export interface MailPlaces {
  /** Of the capture upstream. */
  readonly outbox: string;
  /** Of guards: NAMESPACE/LIST within. */
  readonly guarded: string;
}

interface Captured {
  /** Its file, without the suffix. */
  readonly file: string;
  readonly envelope: z.infer<typeof envelopeSchema>;
}

const envelopeSchema = z.object({
  id: z.string(),
  time: z.string(),
  user: z.string(),
  list: z.string(),
  from: z.string(),
  recipients: z.array(z.string()),
});

/** The header of a message, and to spare. */
const HEAD_BYTES = 64 * 1024;
const RECIPIENTS_SHOWN = 2;
const HEADER = ['ID', 'TIME', 'USER', 'FROM', 'TO', 'SUBJECT'];

export async function runMailList(places: MailPlaces, { limit, width }: Width & { limit: number }): Promise<Result> {
  const all = await namesIn(places);
  const shown: (Captured & { readonly subject: string })[] = [];
  for (const file of all.slice(0, limit)) {
    const captured = await readEnvelope(file);
    if (captured === undefined) continue;
    const source = await readFile(`${file}.eml`).catch(() => Buffer.alloc(0));
    shown.push({ ...captured, subject: subjectOf(source.subarray(0, HEAD_BYTES)) });
  }
  const rows = shown.map(({ file, envelope: { time, user, from, recipients }, subject }) => {
    const more = recipients.length > RECIPIENTS_SHOWN ? ` +${recipients.length - RECIPIENTS_SHOWN}` : '';
    const to = recipients.slice(0, RECIPIENTS_SHOWN).join(' ') + more;
    return [file.slice(file.lastIndexOf('/') + 1), shortTime(time), user, from || '<>', to, subject];
  });
  return {
    code: 0,
    text:
      shown.length === 0
        ? 'No mail has been captured.'
        : table([HEADER, ...rows], { width }, ['USER', 'TIME']).join('\n'),
    json: {
      total: all.length,
      messages: shown.map(({ envelope, subject, file }) => Object.assign({ subject, file: `${file}.eml` }, envelope)),
    },
  };
}

export async function runMailShow(places: MailPlaces, id: string): Promise<Result> {
  const names = await namesIn(places);
  const file = id === 'latest' ? names[0] : names.find((one) => one.endsWith(`/${id}`));
  const captured = file === undefined ? undefined : await readEnvelope(file);
  if (captured === undefined) {
    const where = id === 'latest' ? 'no mail has been captured' : `no captured message ${id}`;
    throw new CommandError(`${where} in ${places.outbox}; \`mail list\` lists those that there are`, 1);
  }
  const { envelope } = captured;
  const source = await readFile(`${file}.eml`, 'utf8').catch((error: unknown) => {
    throw new CommandError(`${file}.eml cannot be read: ${inWords(error)}`, 1);
  });
  const lines = [
    `Envelope of ${envelope.id}, ${envelope.time}`,
    `  User: ${envelope.user} (${envelope.list})`,
    `  From: ${envelope.from || '<>'}`,
    ...envelope.recipients.map((recipient) => `  To: ${recipient}`),
  ];
  // anybody's text: nothing in it steers the terminal
  const shown = source.split(/\r?\n/).map((line) => line.split('\t').map(printable).join('\t'));
  return {
    code: 0,
    text: [...lines.map(printable), '', ...shown].join('\n').trimEnd(),
    json: { ...envelope, file: `${file}.eml`, source },
  };
}

/** Without suffixes; the newest first. */
async function namesIn({ outbox, guarded }: MailPlaces): Promise<readonly string[]> {
  const own = await filesIn(outbox, false);
  const kept = await filesIn(guarded, true);
  const idOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
  return [...own, ...kept].toSorted((a, b) => (idOf(a) > idOf(b) ? -1 : 1));
}

async function filesIn(folder: string, recursive: boolean): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CommandError(`${folder} cannot be read: ${inWords(error)}; run this as the user whose process it is`);
  });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map(({ parentPath, name }) => join(parentPath, name.slice(0, -'.json'.length)));
}

async function readEnvelope(file: string): Promise<Captured | undefined> {
  const text = await readFile(`${file}.json`, 'utf8').catch(() => undefined);
  const envelope = envelopeSchema.safeParse(parseJson(text));
  return envelope.success ? { file, envelope: envelope.data } : undefined;
}
