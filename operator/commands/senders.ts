/** `senders`: what is verified and how; and for what is not, the record to publish, and what was found in its place. */
import { asRecord, textAt } from '../api/plain-data.ts';
import { find, questionOf } from './question.ts';
import type { SeenObject, Result, Source } from './source.ts';
import type { StatusOptions } from './status.ts';
import { paragraph, shortTime, textTable } from './text.ts';
import { asJson, seenConditionOf, verdictOf } from './verdict.ts';

const HEADER = ['OBJECT', 'SENDER', 'VERIFIED', 'METHOD', 'SIGNING', 'DMARC', 'NEXT CHECK'];

export async function runSenders(source: Source, { what, namespace, width }: StatusOptions): Promise<Result> {
  const { objects, missing } = await find(source, questionOf(what, ['VerifiedSender']), namespace);
  const warnings = await source.warnings();
  const lines = textTable([HEADER, ...objects.map(rowOf)], { width }, [
    'NEXT CHECK',
    'METHOD',
    'DMARC',
    'SIGNING',
    'OBJECT',
  ]);
  const todo = objects.flatMap(todoOf);
  return {
    code: missing.length === 0 ? 0 : 1,
    text: [
      ...(objects.length === 0 ? ['There are no senders.'] : lines),
      ...(todo.length === 0 ? [] : ['', 'To do:', ...todo]),
    ].join('\n'),
    json: { source: source.name, warnings, senders: objects.map(asJson), missing },
    problems: [
      ...warnings.map((words) => `warning: ${words}`),
      ...missing.map((key) => `error: there is no VerifiedSender ${key}`),
    ],
  };
}

function rowOf(sender: SeenObject): readonly string[] {
  const { status } = sender;
  const verified = seenConditionOf(sender, 'Verified');
  return [
    `${sender.namespace}/${sender.name}`,
    textAt(status, 'sender') ?? '-',
    verified?.status === 'True' ? 'yes' : `no: ${verified?.reason ?? verdictOf(sender).reason}`,
    textAt(status, 'method') ?? '-',
    stateOf(sender, 'Signing'),
    stateOf(sender, 'Aligned'),
    shortTime(status['nextCheckTime']),
  ];
}

function stateOf(sender: SeenObject, type: string): string {
  const condition = seenConditionOf(sender, type);
  if (condition === undefined) return '-';
  return condition.status === 'True' ? 'yes' : condition.reason;
}

/** Why it is not verified, and each record that is not there as it should be: one to a line, to be copied into a zone. */
function todoOf(sender: SeenObject): readonly string[] {
  const verdict = verdictOf(sender);
  const verified = seenConditionOf(sender, 'Verified') ?? verdict;
  const isVerified = seenConditionOf(sender, 'Verified')?.status === 'True';
  const { dnsRecords } = sender.status;
  const records = (Array.isArray(dnsRecords) ? dnsRecords : []).map(asRecord).filter((one) => one['state'] !== 'Found');
  if (isVerified && records.length === 0) return [];
  return [
    `  ${sender.namespace}/${sender.name}`,
    ...(isVerified ? [] : [...paragraph(verified.message, '    '), ...challengeOf(sender)]),
    ...records.flatMap(missingRecord),
  ];
}

function missingRecord(record: Readonly<Record<string, unknown>>): readonly string[] {
  const text = (field: string): string => textAt(record, field) ?? '';
  const why = paragraph(`${text('purpose')}, ${text('state')}: ${text('message')}`, '      ');
  return [...recordLine(record), ...why];
}

function challengeOf({ status }: SeenObject): readonly string[] {
  const { recordName: name, recordType: type, recordValue: value } = asRecord(status['challenge']);
  return recordLine({ name, type, value });
}

/** As in a zone file. */
function recordLine(record: Readonly<Record<string, unknown>>): readonly string[] {
  const [name, type, value] = [textAt(record, 'name'), textAt(record, 'type'), textAt(record, 'value')];
  return name === undefined || value === undefined ? [] : paragraph(`${name}. ${type} "${value}"`, '    ');
}
