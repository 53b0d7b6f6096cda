/** `smtp-plus check DIR`: what a cluster would refuse, and what would not do what it says, before anything is merged. */
import { access, constants } from 'node:fs/promises';
import type { Problem } from '../manifests/parse.ts';
import { readFolder, type Reading } from '../manifests/read.ts';
import { inWords } from '../manifests/walk.ts';
import { isKindName } from '../api/kinds.ts';
import type { Finding } from './finding.ts';
import { checkObject } from './object.ts';
import { checkReferences } from './references.ts';
import { formatReport, type OutputFormat } from './report.ts';

export interface CheckOptions {
  readonly output: OutputFormat;
  /** Takes the report. */
  readonly write: (text: string) => void;
}

/** 0: fine, perhaps with warnings. 1: errors. 2: there is nothing that can be read. */
export type CheckResult = 0 | 1 | 2;

/** Nobody reads more; and a report must not grow with what a stranger commits. */
const FINDINGS_MAX = 1000;
/** Kinds to name among those that were not checked. */
const IGNORED_KINDS_MAX = 10;

/** Checks every manifest under `folder`, or one file, and writes a report. Trouble with it is a result, no exception. */
export async function runCheck(folder: string, { output, write }: CheckOptions): Promise<CheckResult> {
  const trouble = await whyUnreadable(folder);
  if (trouble !== undefined) {
    const report = { folder, findings: [notReadable(folder, trouble)], unreported: 0, objects: 0, ignored: new Map() };
    write(formatReport(report, output));
    return 2;
  }
  const reading = await readFolder(folder);
  const findings = findingsIn(reading).toSorted(byPlace);
  const ours = reading.manifests.filter(({ kind }) => isKindName(kind));
  if (ours.length === 0 && findings.length === 0) findings.push(nothingFound(folder));
  const report = {
    folder,
    findings: findings.slice(0, FINDINGS_MAX),
    unreported: Math.max(0, findings.length - FINDINGS_MAX),
    objects: ours.length,
    ignored: ignoredKinds(reading),
  };
  write(formatReport(report, output));
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

async function whyUnreadable(folder: string): Promise<string | undefined> {
  try {
    await access(folder, constants.R_OK);
    return undefined;
  } catch (error) {
    return inWords(error);
  }
}

function findingsIn(reading: Reading): Finding[] {
  const objects = reading.manifests.flatMap((manifest) =>
    isKindName(manifest.kind) ? checkObject(manifest.kind, manifest) : [],
  );
  return [...reading.problems.map(fromProblem), ...objects, ...checkReferences(reading.manifests)];
}

function fromProblem({ source, reason, message }: Problem): Finding {
  return { severity: 'error', rule: reason, source, message: `${message}; ${mendOf(reason)}.` };
}

function mendOf(reason: Problem['reason']): string {
  switch (reason) {
    case 'unreadable':
      return 'make it readable, or move it out of this folder';
    case 'syntax':
      return 'correct the YAML here or just before';
    case 'shape':
      return 'write it as a Kubernetes object, or move it out of this folder';
    case 'unknown-kind':
      return 'correct kind or apiVersion';
    case 'foreign-group':
      return 'correct apiVersion';
    case 'bad-name':
      return 'give it a valid name';
    case 'duplicate':
      return 'remove or rename one of the two';
    case 'too-many':
      return 'check a part of the folder at a time';
  }
}

function byPlace(a: Finding, b: Finding): number {
  if (a.source.file !== b.source.file) return a.source.file < b.source.file ? -1 : 1;
  return a.source.line - b.source.line || a.source.column - b.source.column;
}

function notReadable(folder: string, trouble: string): Finding {
  const message = `${folder} can't be checked: ${trouble}; name a folder of manifests, or one file.`;
  return { severity: 'error', rule: 'unreadable', source: { file: folder, line: 1, column: 1 }, message };
}

/** A gate that looks in the wrong place must not let everything pass. */
function nothingFound(folder: string): Finding {
  const message = `No SmtpPlusList, SmtpPlusUser or VerifiedSender is in ${folder}; check the path.`;
  return { severity: 'error', rule: 'nothing-found', source: { file: folder, line: 1, column: 1 }, message };
}

function ignoredKinds({ ignored }: Reading): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { what } of ignored) {
    const name = what === '' ? 'files that hold no object' : what;
    if (counts.size < IGNORED_KINDS_MAX || counts.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
