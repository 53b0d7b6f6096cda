/** How the person who runs a single process vouches for a sender: there is nobody else to ask. */
import { join } from 'node:path';
import { isCollection, LineCounter, parseDocument } from 'yaml';
import { offsetOf } from '../manifests/positions.ts';
import { readBounded } from '../manifests/walk.ts';
import type { Settings } from '../settings/settings.ts';

/**
 * What to add, to which file and at which line, for `{namespace}` and `{sender}`.
 *
 * @param file the settings file in use, which has been read before.
 */
export async function howToVouch(
  { folder, relayClass }: Pick<Settings, 'folder' | 'relayClass'>,
  file: string | undefined,
): Promise<string> {
  const what =
    file === undefined
      ? `${newFile(folder, relayClass)} and start again`
      : `${await inFile(file, relayClass)}, which takes effect a second later`;
  return `${what}, or start with \`--existing-sender {namespace}={sender}\``;
}

function newFile(folder: string, relayClass: string): string {
  const entry = `classes: {${relayClass}: {existingSenders: [{{namespace}: {sender}}]}}`;
  return `write the line \`${entry}\` into a new file ${join(folder, 'settings.yaml')}`;
}

async function inFile(file: string, relayClass: string): Promise<string> {
  const read = await readBounded(file);
  const text = 'text' in read ? read.text : '';
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, version: '1.1', logLevel: 'error' });
  const path = ['classes', relayClass, 'existingSenders'];
  const place = (steps: readonly string[]): string =>
    `${file}:${Math.max(lineCounter.linePos(offsetOf(document, steps)).line, 1)}`;
  const list = document.getIn(path, true);
  if (isCollection(list)) {
    const entry = list.flow === true ? '{{namespace}: {sender}}' : '- {namespace}: {sender}';
    return `add \`${entry}\` to existingSenders at ${place(path)}`;
  }
  if (isCollection(document.getIn(path.slice(0, 2), true))) {
    return `add \`existingSenders: [{{namespace}: {sender}}]\` to classes.${relayClass} at ${place(path.slice(0, 2))}`;
  }
  return `add \`classes: {${relayClass}: {existingSenders: [{{namespace}: {sender}}]}}\` to ${file}`;
}
