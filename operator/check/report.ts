/** Findings as text for people, as JSON and SARIF for programs, and as commands that GitHub shows beside the lines of a diff. */
import { printable } from '../printable.ts';
import { relative } from 'node:path';
import type { Finding } from './finding.ts';
import type { OutputFormat, CheckReport } from './output.ts';
import { sarifLog } from './sarif.ts';

/** Paths to name in the summary. */
const PATHS_MAX = 4;

/** The whole report, with a line feed at its end. */
export function formatCheckReport(report: CheckReport, format: OutputFormat): string {
  switch (format) {
    case 'text':
      return [...report.findings.map(textLine), ...summary(report)].join('\n') + '\n';
    case 'json':
      return jsonDocument(report);
    case 'github':
      return [...report.findings.map(githubCommand), ...summary(report)].join('\n') + '\n';
    case 'sarif':
      return sarifLog(report);
  }
}

function jsonDocument({ findings, ignored, ...rest }: CheckReport): string {
  const flat = findings.map(({ severity, rule, source, object, message }) => ({
    severity,
    rule,
    ...source,
    ...(object === undefined ? {} : { object }),
    message,
  }));
  return JSON.stringify({ ...rest, ignored: Object.fromEntries(ignored), findings: flat }, undefined, 2) + '\n';
}

function textLine({ severity, rule, source, object, message }: Finding): string {
  const subject = object === undefined ? '' : `${object}: `;
  return printable(`${source.file}:${source.line}:${source.column}: ${severity}: ${subject}${message} [${rule}]`);
}

/** https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands */
function githubCommand({ severity, rule, source, object, message }: Finding): string {
  const properties = {
    file: relative('.', source.file),
    line: String(source.line),
    col: String(source.column),
    title: object ?? rule,
  };
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(printable(value))}`);
  return `::${severity} ${list.join(',')}::${escapeData(printable(`${message} [${rule}]`))}`;
}

/** A line break would begin a new command, which could be any command: `::set-env`, `::stop-commands`. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

function summary({ paths, findings, unreported, objects, ignored }: CheckReport): string[] {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const lines = [
    `${counted(objects, 'object')} checked in ${placeOf(paths)}: ${counted(errors, 'error')}, ${counted(findings.length - errors, 'warning')}.`,
  ];
  if (unreported > 0) lines.push(`${unreported} more findings are not shown; mend these first.`);
  if (ignored.size > 0) {
    const list = [...ignored].map(([what, count]) => (count === 1 ? what : `${count} ${what}`)).join(', ');
    lines.push(`Not checked, since they are of other kinds: ${list}.`);
  }
  return lines.map(printable);
}

/** Hundreds of files, where pre-commit names them. */
function placeOf(paths: readonly string[]): string {
  return paths.length > PATHS_MAX ? `${paths.length} paths` : paths.join(', ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
