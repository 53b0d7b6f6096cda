/**
 * `mail`: what one process has captured instead of sending it, and what the guards of lists have kept from recipients.
 */
import { readdir } from 'node:fs/promises';
import { readContent, readWhole } from '../captured-content.ts';
import {
  listCaptured,
  readEnvelope,
  type CapturedMail,
  type CapturedPlace,
  type CapturedEnvelope,
} from '../captured-mail.ts';
import { inWords } from '../errors.ts';
import { printable } from '../printable.ts';
import { subjectOf } from './mail-subject.ts';
import { CommandError, type Result } from './source.ts';
import { shortTime, textTable, type Width } from './text.ts';

type Places = readonly CapturedPlace[];

/** The header of a message, and to spare. */
const HEAD_BYTES = 64 * 1024;
const RECIPIENTS_SHOWN = 2;
const HEADER = ['ID', 'TIME', 'USER', 'FROM', 'TO', 'SUBJECT'];

export async function runMailList(places: Places, { limit, width }: Width & { limit: number }): Promise<Result> {
  const all = await capturedIn(places);
  const shown: { readonly envelope: CapturedEnvelope; readonly subject: string; readonly file: string }[] = [];
  for (const captured of all.slice(0, limit)) {
    const envelope = await readEnvelope(captured);
    if (envelope === undefined) continue;
    const head = await readContent(captured, HEAD_BYTES);
    shown.push({ envelope, file: captured.file, subject: subjectOf(head?.bytes ?? Buffer.alloc(0)) });
  }
  const rows = shown.map(({ envelope: { id, time, user, from, recipients }, subject }) => {
    const more = recipients.length > RECIPIENTS_SHOWN ? ` +${recipients.length - RECIPIENTS_SHOWN}` : '';
    const to = recipients.slice(0, RECIPIENTS_SHOWN).join(' ') + more;
    return [id, shortTime(time), user, from || '<>', to, subject];
  });
  return {
    code: 0,
    text:
      shown.length === 0
        ? 'No mail has been captured.'
        : textTable([HEADER, ...rows], { width }, ['USER', 'TIME']).join('\n'),
    json: {
      total: all.length,
      messages: shown.map(({ envelope, subject, file }) => Object.assign({ subject, file: `${file}.eml` }, envelope)),
    },
  };
}

export async function runMailShow(places: Places, id: string): Promise<Result> {
  const all = await capturedIn(places);
  const captured = id === 'latest' ? all[0] : all.find((one) => one.id === id);
  const envelope = captured && (await readEnvelope(captured));
  if (captured === undefined || envelope === undefined) {
    const where = id === 'latest' ? 'no mail has been captured' : `no captured message ${id}`;
    throw new CommandError(
      `${where} in ${places.map(({ folder }) => folder).join(' or ')}; \`mail list\` lists those that there are`,
      1,
    );
  }
  const file = `${captured.file}.eml`;
  const bytes = await readWhole(captured);
  if (bytes === undefined) throw new CommandError(`${file} cannot be read`, 1);
  const source = bytes.toString();
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
    json: { ...envelope, file, source },
  };
}

/** The newest first. */
async function capturedIn(places: Places): Promise<readonly CapturedMail[]> {
  for (const { folder } of places) await mayBeRead(folder);
  return listCaptured(places);
}

/** Nothing was captured where there is no folder. */
async function mayBeRead(folder: string): Promise<void> {
  await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return;
    throw new CommandError(`${folder} cannot be read: ${inWords(error)}; run this as the user whose process it is`);
  });
}
