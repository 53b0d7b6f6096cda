/** Helm, on the chart of this repository. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

export const ROOT = path.join(import.meta.dirname, '../..');
export const CHART = path.join(ROOT, 'charts/smtp-plus');
const OUTPUT_MAX = 64 * 1024 * 1024;

export interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Runs it and gives its standard output. */
export async function helm(args: readonly string[], stdin = ''): Promise<string> {
  const program = process.env['HELM'];
  if (program === undefined) throw new Error('HELM does not name the program; npm run test:chart sets it');
  const running = promisify(execFile)(program, args, { maxBuffer: OUTPUT_MAX });
  running.child.stdin?.end(stdin);
  return (await running).stdout;
}

/** The text of all objects, those of `helm test` too. */
export function renderText({
  values = {},
  namespace = 'smtp-plus',
}: {
  values?: object;
  namespace?: string;
}): Promise<string> {
  return helm(['template', 'smtp-plus', CHART, '--namespace', namespace, '--values', '-'], JSON.stringify(values));
}

export async function render(options: { values?: object; namespace?: string }): Promise<readonly Rendered[]> {
  const documents = parseAllDocuments(await renderText(options));
  return documents.map((document) => document.toJS() as Rendered).filter((object) => object !== null);
}
