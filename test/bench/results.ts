/** Where benchmarks leave what they have found, besides what they print: results/, which git ignores. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, 'results');

/** Resolves to the file. */
export function saveResults(name: string, results: unknown): Promise<string> {
  return save(`${name}.json`, `${JSON.stringify(results, undefined, 2)}\n`);
}

export function savePlot(name: string, svg: string): Promise<string> {
  return save(`${name}.svg`, svg);
}

async function save(name: string, text: string): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const file = path.join(FOLDER, name.replaceAll(/[^\w.]+/g, '-'));
  await writeFile(file, text);
  return file;
}
