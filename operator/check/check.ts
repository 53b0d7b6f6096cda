/**
 * `smtp-plus check`: what a cluster would refuse, and what would not do what it says, found before anything is merged.
 */
import { access, constants, stat } from 'node:fs/promises';
import { isKindName } from '../api/kinds.ts';
import { mergeFiles, type FolderContent } from '../manifests/read.ts';
import { inWords } from '../errors.ts';
import type { Settings } from '../settings/settings.ts';
import type { Finding } from './finding.ts';
import { nameOf, STDIN, readInput } from './input.ts';
import { checkObject } from './object.ts';
import { inputFindings } from './problems.ts';
import { checkReferences } from './references.ts';
import type { OutputFormat } from './output.ts';
import { formatCheckReport } from './report.ts';
import { checkSettings } from './settings.ts';

export interface CheckOptions {
  /** The settings file; where none is named, that of the folder. False: none. */
  readonly settings?: string | false | undefined;
  readonly output: OutputFormat;
  /** Takes the report. */
  readonly write: (text: string) => void;
  /** Read where a path is `-`. */
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** 0: fine, perhaps with warnings. 1: errors. 2: there is something that cannot be read. */
export type CheckResult = 0 | 1 | 2;

/** Nobody reads more; and a report must not grow with what a stranger commits. */
const FINDINGS_MAX = 1000;
/** Kinds to name among those that were not checked. */
const IGNORED_KINDS_MAX = 10;

/**
 * Checks every manifest in files, under folders and in standard input, all of them together, and writes a report. Trouble
 * with them is a result, no exception.
 */
export async function runCheck(paths: readonly string[], options: CheckOptions): Promise<CheckResult> {
  const { output, write, stdin } = options;
  const unreadable = await findUnreadable(paths);
  if (unreadable.length > 0) {
    write(formatCheckReport({ paths, findings: unreadable, unreported: 0, objects: 0, ignored: new Map() }, output));
    return 2;
  }
  const isPart = await areFilesOnly(paths);
  const { settings, files, findings } = await checkSettings(paths, options.settings);
  const content = await readInput(paths, { stdin, ignore: files });
  findings.push(...findingsIn(content, { isPart, settings }));
  const objects = content.files.flatMap(({ content: { manifests } }) =>
    manifests.filter(({ kind }) => isKindName(kind)),
  );
  // files that were picked by others, as pre-commit does, may be anything
  if (objects.length === 0 && findings.length === 0 && !isPart) findings.push(nothingFound(paths));
  findings.sort(byPlace);
  const report = {
    paths: paths.map(nameOf),
    findings: findings.slice(0, FINDINGS_MAX),
    unreported: Math.max(0, findings.length - FINDINGS_MAX),
    objects: objects.length,
    ignored: ignoredKinds(content),
  };
  write(formatCheckReport(report, output));
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

interface Context {
  readonly isPart: boolean;
  readonly settings: Settings | undefined;
}

function findingsIn(content: FolderContent, { isPart, settings }: Context): Finding[] {
  const { manifests } = mergeFiles(content);
  const objects = content.files.flatMap((file) => file.content.manifests.flatMap((manifest) => checkObject(manifest)));
  const known = settings && {
    classes: settings.classes,
    classesElsewhere: settings.classesElsewhere,
    namespaceLimits: settings.namespaceLimits,
  };
  return [...inputFindings(content), ...objects, ...checkReferences(manifests, { isPart, ...known })];
}

async function findUnreadable(paths: readonly string[]): Promise<Finding[]> {
  const findings = paths.map(async (path): Promise<Finding[]> => {
    if (path === STDIN) return [];
    try {
      await access(path, constants.R_OK);
      return [];
    } catch (error) {
      const message = `${path} can't be checked: ${inWords(error)}; name folders of manifests, files, or - for standard input.`;
      return [{ severity: 'error', rule: 'unreadable', source: { file: path, line: 1, column: 1 }, message }];
    }
  });
  return (await Promise.all(findings)).flat();
}

/** Whoever names files may have more of them; a folder, or what is piped in, is taken for all there is. */
async function areFilesOnly(paths: readonly string[]): Promise<boolean> {
  const kinds = await Promise.all(paths.map(async (path) => path !== STDIN && !(await stat(path)).isDirectory()));
  return kinds.every(Boolean);
}

function byPlace(a: Finding, b: Finding): number {
  if (a.source.file !== b.source.file) return a.source.file < b.source.file ? -1 : 1;
  return a.source.line - b.source.line || a.source.column - b.source.column;
}

/** A gate that looks in the wrong place must not let everything pass. */
function nothingFound(paths: readonly string[]): Finding {
  const where = paths.map(nameOf).join(', ');
  const message = `No SmtpPlusList, SmtpPlusUser or VerifiedSender is in ${where}; check the path.`;
  return {
    severity: 'error',
    rule: 'nothing-found',
    source: { file: nameOf(paths[0] ?? '.'), line: 1, column: 1 },
    message,
  };
}

function ignoredKinds({ files }: FolderContent): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { what } of files.flatMap(({ content }) => content.ignored)) {
    const name = what === '' ? 'files that hold no object' : what;
    if (counts.size < IGNORED_KINDS_MAX || counts.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
