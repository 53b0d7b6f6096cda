/**
 * Findings as SARIF 2.1.0 (OASIS), for GitHub code scanning and whatever else shows it: rules with help, and for each result
 * a place relative to the root of the repository, which is where the command runs.
 */
import { isAbsolute, relative, sep } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import type { Finding } from './finding.ts';
import type { CheckReport } from './output.ts';
import { rules, type RuleName } from './rules.ts';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';
/** GitHub's name for the root of the repository. */
const ROOT = '%SRCROOT%';

export function sarifLog({ findings, unreported }: CheckReport): string {
  const names = [...new Set(findings.map(({ rule }) => rule))].toSorted();
  const run = {
    tool: {
      driver: { name: packageJson.name, semanticVersion: packageJson.version, rules: names.map(ruleOf) },
    },
    invocations: [{ executionSuccessful: true, ...(unreported > 0 && notificationOf(unreported)) }],
    // the YAML parser counts as JavaScript does
    columnKind: 'utf16CodeUnits',
    results: findings.map((finding) => resultOf(finding, names.indexOf(finding.rule))),
  };
  return JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, undefined, 2) + '\n';
}

function ruleOf(name: RuleName): object {
  const { title, help } = rules[name];
  return {
    id: name,
    shortDescription: { text: `${title}.` },
    fullDescription: { text: `${title}. ${help}` },
    help: { text: help },
    properties: { tags: ['smtp-plus'] },
  };
}

function resultOf({ severity, rule, source, object, message }: Finding, ruleIndex: number): object {
  const subject = object === undefined ? '' : `${object}: `;
  return {
    ruleId: rule,
    ruleIndex,
    level: severity,
    message: { text: `${subject}${message}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: placeOf(source.file),
          region: { startLine: source.line, startColumn: source.column },
        },
        ...(object !== undefined && { logicalLocations: [{ fullyQualifiedName: object, kind: 'object' }] }),
      },
    ],
  };
}

/** What lies outside of the repository has no place relative to it. */
function placeOf(file: string): object {
  const path = relative('.', file) || '.';
  const isOutside = path.startsWith('..') || isAbsolute(path);
  const uri = path.split(sep).map(encodeURIComponent).join('/');
  return isOutside ? { uri } : { uri, uriBaseId: ROOT };
}

function notificationOf(unreported: number): object {
  const text = `${unreported} more findings are not shown; mend these first.`;
  return { toolExecutionNotifications: [{ level: 'warning', message: { text } }] };
}
