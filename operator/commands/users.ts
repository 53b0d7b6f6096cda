/** `users`: who can send as what, through which server; for each who cannot, why, and what to do. */
import { urlHost } from '../api/names.ts';
import { asRecord, textAt } from '../api/plain-data.ts';
import { find, questionOf } from './question.ts';
import type { SeenObject, Result, Source } from './source.ts';
import type { StatusOptions } from './status.ts';
import { item, shortTime, textTable } from './text.ts';
import { asJson, whyNot } from './verdict.ts';

const MAX_SENDERS = 2;
const MAX_PORTS = 3;
const HEADER = ['USER', 'LOGIN', 'LIST', 'CAN SEND', 'SENDERS', 'SERVER', 'SECRET', 'LAST USED'];

export async function runUsers(source: Source, { what, namespace, width }: StatusOptions): Promise<Result> {
  const { objects, missing } = await find(source, questionOf(what, ['SmtpPlusUser']), namespace);
  const warnings = await source.warnings();
  const rows = objects.map(rowOf);
  const lines = textTable([HEADER, ...rows], { width }, ['SECRET', 'LAST USED', 'SERVER', 'LIST', 'LOGIN']);
  const lacking = objects.filter((user) => whyNot(user) !== undefined);
  const reasons = lacking.flatMap((user) => {
    const { reason, message } = whyNot(user) ?? { reason: '', message: '' };
    return item(`${user.namespace}/${user.name}: ${reason}`, message);
  });
  return {
    code: missing.length === 0 ? 0 : 1,
    text: [
      ...(objects.length === 0 ? ['There are no users.'] : lines),
      ...(reasons.length === 0 ? [] : ['', 'Cannot send:', ...reasons]),
    ].join('\n'),
    json: {
      source: source.name,
      warnings,
      users: objects.map((user) => Object.assign(asJson(user), { canSend: whyNot(user) === undefined })),
      missing,
    },
    problems: [
      ...warnings.map((words) => `warning: ${words}`),
      ...missing.map((key) => `error: there is no SmtpPlusUser ${key}`),
    ],
  };
}

function rowOf(user: SeenObject): readonly string[] {
  const { status } = user;
  const server = asRecord(status['server']);
  const ports = Array.isArray(server['ports']) ? server['ports'].slice(0, MAX_PORTS).join(',') : '';
  const host = textAt(server, 'host');
  const objection = whyNot(user);
  return [
    `${user.namespace}/${user.name}`,
    textAt(status, 'username') ?? '-',
    textAt(status, 'list') ?? '-',
    objection === undefined ? 'yes' : `no: ${objection.reason}`,
    sendersOf(status),
    host === undefined ? '-' : `${urlHost(host)}:${ports}`,
    textAt(status, 'secretRef', 'name') ?? '-',
    shortTime(status['lastUsedTime']),
  ];
}

/** What it can send as; where that is nothing, what it waits for. */
function sendersOf({ senders }: SeenObject['status']): string {
  const all = (Array.isArray(senders) ? senders : []).map(asRecord);
  const verified = all.filter((one) => one['state'] === 'Verified').map((one) => String(one['sender']));
  const shown = verified.length > 0 ? verified : all.map((one) => `${String(one['sender'])} (${String(one['state'])})`);
  const more = shown.length > MAX_SENDERS ? ` +${shown.length - MAX_SENDERS}` : '';
  return shown.length === 0 ? '-' : shown.slice(0, MAX_SENDERS).join(' ') + more;
}
