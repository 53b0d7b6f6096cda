/** Findings about what cannot be read as an object. */
import type { Problem } from '../manifests/parse.ts';
import { mergeFiles, type FolderContent } from '../manifests/read.ts';
import type { Finding } from './finding.ts';

export function inputFindings({ files, ...rest }: FolderContent): Finding[] {
  const empty = files.filter(({ content }) => content.isEmpty);
  const others = files.filter(({ content }) => !content.isEmpty);
  return [
    ...empty.flatMap(({ content }) => content.problems.map(emptyFile)),
    ...mergeFiles({ ...rest, files: others }).problems.map(fromProblem),
  ];
}

/** Where nobody remembers what the file held before, it says nothing. */
export function emptyFile({ source, message }: Problem): Finding {
  return { severity: 'warning', rule: 'empty-file', source, message: `${message}.` };
}

function fromProblem({ source, reason, message }: Problem): Finding {
  return { severity: 'error', rule: reason, source, message: `${message}; ${mendOf(reason)}.` };
}

function mendOf(reason: Problem['reason']): string {
  switch (reason) {
    case 'unreadable':
      return 'make it readable, or leave it out of what is checked';
    case 'syntax':
      return 'correct the YAML here or just before';
    case 'shape':
      return 'write it as a Kubernetes object, or move it elsewhere';
    case 'unknown-kind':
      return 'correct kind or apiVersion';
    case 'foreign-group':
      return 'correct apiVersion';
    case 'bad-name':
      return 'give it a valid name';
    case 'duplicate':
      return 'remove or rename one of the two';
    case 'too-many':
      return 'check a part of them at a time';
  }
}
