/** Files with lines of the log. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { inWords } from '../errors.ts';
import { CommandError } from './source.ts';

export interface LogSource {
  /** A file, or a pod. */
  readonly name: string;
  /** From the beginning, each time. */
  readonly lines: () => AsyncIterable<string>;
}

/** Size of standard input, which nobody can read twice. */
const STDIN_MAX = 256 * 1024 * 1024;

/** @param files `-` is standard input */
export async function logFiles(files: readonly string[]): Promise<readonly LogSource[]> {
  const sources: LogSource[] = [];
  for (const file of files) {
    if (file !== '-') sources.push({ name: file, lines: () => linesOfFile(file) });
    else {
      const kept = await linesOfStdin();
      sources.push({
        name: 'standard input',
        lines: async function* () {
          yield* kept;
        },
      });
    }
  }
  return sources;
}

async function* linesOfFile(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${inWords(error)}`, 2, { cause: error });
  }
}

async function linesOfStdin(): Promise<readonly string[]> {
  const lines: string[] = [];
  let size = 0;
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    size += line.length;
    if (size > STDIN_MAX)
      throw new CommandError('standard input is too long; write it to a file, and name that with --log');
    lines.push(line);
  }
  return lines;
}
