/** `import`: manifests of what another mail server was told, to be read before they are applied. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { labelName, objectName } from '../../api/names.ts';
import { runCheck } from '../../check/check.ts';
import { makePrivateFolder } from '../../directory/write-file.ts';
import { inWords } from '../../errors.ts';
import { readBounded } from '../../manifests/walk.ts';
import { CommandError, type Result } from '../source.ts';
import { importCsv } from './csv.ts';
import { importDockerPostfix } from './docker-postfix.ts';
import type { Imported } from './imported.ts';
import { manifestsOf, type Manifests } from './manifests.ts';
import { importPostfix } from './postfix.ts';

export interface ImportOptions {
  readonly namespace: string | undefined;
  readonly list: string;
  readonly withPasswords: boolean;
  /** Folder for the files; undefined: standard output. */
  readonly to?: string | undefined;
}

export type ImportSource =
  | { readonly from: 'docker-postfix' | 'csv'; readonly file: string }
  | {
      readonly from: 'postfix';
      readonly saslPasswd?: string | undefined;
      readonly senderLoginMaps?: string | undefined;
    };

export async function runImport(source: ImportSource, options: ImportOptions): Promise<Result> {
  const { namespace, list, withPasswords, to } = options;
  if (namespace === undefined || !labelName.safeParse(namespace).success) {
    throw new CommandError('say with --namespace in which namespace the objects are to be');
  }
  if (!objectName.safeParse(list).success)
    throw new CommandError(`--list ${list} is no name of an object, such as imported`);
  const { files, warnings } = manifestsOf(await read(source), { namespace, list, withPasswords });
  const findings = await check(files);
  const written = to === undefined ? [] : await writeFiles(to, files);
  return {
    code: findings === undefined ? 0 : 1,
    text:
      to === undefined ? [...files.values()].join('').trimEnd() : written.map((file) => `written: ${file}`).join('\n'),
    json: { files: to === undefined ? Object.fromEntries(files) : written, warnings },
    problems: [
      ...warnings.map((words) => `warning: ${words}`),
      ...(findings === undefined
        ? []
        : [`error: the manifests do not pass check as they are; correct them:\n${findings}`]),
    ],
  };
}

async function read(source: ImportSource): Promise<Imported> {
  if (source.from === 'postfix') {
    const { saslPasswd, senderLoginMaps } = source;
    if (saslPasswd === undefined && senderLoginMaps === undefined) {
      throw new CommandError('name --sasl-passwd FILE, --sender-login-maps FILE or both');
    }
    return importPostfix({
      saslPasswd: saslPasswd === undefined ? undefined : await textOf(saslPasswd),
      senderLoginMaps: senderLoginMaps === undefined ? undefined : await textOf(senderLoginMaps),
    });
  }
  const text = await textOf(source.file);
  return source.from === 'csv' ? importCsv(text, source.file) : importDockerPostfix(text, source.file);
}

async function textOf(path: string): Promise<string> {
  const file = await readBounded(path);
  if ('problem' in file) throw new CommandError(`${path} ${file.problem}`);
  return file.text;
}

/** What `check` has against them. */
async function check(files: Manifests['files']): Promise<string | undefined> {
  let report = '';
  const stdin = Readable.from([Buffer.from([...files.values()].join(''))]);
  const code = await runCheck(['-'], { settings: false, output: 'text', stdin, write: (text) => (report += text) });
  return code === 0 ? undefined : report.trimEnd();
}

/** Secrets are for the owner alone; nothing that is there is overwritten. */
async function writeFiles(folder: string, files: Manifests['files']): Promise<readonly string[]> {
  const written: string[] = [];
  for (const [name, text] of files) {
    const path = join(folder, name);
    try {
      await makePrivateFolder(folder, 0o777);
      await writeFile(path, text, { flag: 'wx', mode: name === 'secrets.yaml' ? 0o600 : 0o666 });
    } catch (error) {
      throw new CommandError(`${path} cannot be written: ${inWords(error)}; name an empty folder with --to`, 1, {
        cause: error,
      });
    }
    written.push(path);
  }
  return written;
}
