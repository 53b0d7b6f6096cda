/**
 * What a person wants to know first: who may log in where, under which name, and where the password is. Never the
 * password.
 */
import { join } from 'node:path';
import { printable } from '../printable.ts';
import { urlHost } from '../api/names.ts';
import { keyOf } from '../core/model.ts';
import type { Plan, StatusPlan } from '../core/model.ts';
import { secretPath } from '../directory/state-files.ts';
import { fitColumns } from './columns.ts';

/** About a screen; the others are in the status files. */
const MAX_ROWS = 20;
const MAX_SENDERS = 2;
const MAX_PORTS = 3;
/** Where commands look by themselves. */
const STATE_DEFAULT = '.smtp-plus';

type UserPlan = Extract<StatusPlan, { kind: 'SmtpPlusUser' }>;

export interface TableOptions {
  /** The state folder. */
  readonly state: string;
  /** Columns of the terminal. */
  readonly width: number;
}

/** A row for each user. Where there are too many, those who cannot send come first. No row is wider than the terminal. */
export function formatTable(plan: Plan, { state, width }: TableOptions): string {
  const users = usersOf(plan);
  if (users.length === 0) return 'No users yet: add a SmtpPlusUser.';
  const sending = users.filter(canSend);
  const order = users.length > MAX_ROWS ? [...users.filter((user) => !canSend(user)), ...sending] : users;
  const header = ['LIST', 'USER', 'ACTIVE', 'SENDERS', 'SERVER', 'SECRET'];
  const rows = order.slice(0, MAX_ROWS).map((user) => rowOf(user, plan, state));
  // what is left out first where there is no room: the Secret's place follows from the user's, the server is the same for all
  const lines = fitColumns([header, ...rows], { width, leaveOut: ['SECRET', 'SERVER', 'LIST'] });
  if (users.length > MAX_ROWS) {
    const where = shellQuote(join(state, 'status/SmtpPlusUser'));
    lines.push(`... ${users.length} users in all, of whom ${sending.length} can send: see ${where}`);
  }
  return lines.join('\n');
}

/** How to read a password, and what says why something is missing: each by a user that is there. `program` runs our commands. */
export function formatHints(plan: Plan, { state, program }: { state: string; program: string }): readonly string[] {
  const users = usersOf(plan);
  const withSecret = users.filter(({ meta }) => plan.secrets.some(({ owner }) => owner.uid === meta.uid));
  const ready = withSecret.find((user) => isReady(user)) ?? withSecret[0];
  const lacking = users.find((user) => !isReady(user));
  const of = ({ meta }: UserPlan) => keyOf(meta) + (state === STATE_DEFAULT ? '' : ` --state ${shellQuote(state)}`);
  const lines: string[] = [];
  if (ready !== undefined) lines.push(`password:  ${program} password ${of(ready)}`);
  if (lacking !== undefined) lines.push(`why not:   ${program} status ${of(lacking)}`);
  return lines.map(printable);
}

function usersOf(plan: Plan): readonly UserPlan[] {
  return plan.statuses
    .filter((status): status is UserPlan => status.kind === 'SmtpPlusUser')
    .toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey({ status, meta }: UserPlan): string {
  return `${status.list ?? ''}\0${keyOf(meta)}`;
}

function rowOf({ meta, status }: UserPlan, plan: Plan, state: string): readonly string[] {
  const active = conditionOf(status, 'Active');
  const ports = status.server?.ports.slice(0, MAX_PORTS).join(',') ?? '';
  const secret = plan.secrets.find(({ owner }) => owner.uid === meta.uid);
  return [
    status.list ?? '-',
    status.username ?? `${meta.name}.${meta.namespace}`,
    active?.status === 'True' ? 'yes' : `no: ${active?.reason ?? conditionOf(status, 'Ready')?.reason ?? 'unknown'}`,
    formatSenders(status),
    status.server === undefined ? '-' : `${urlHost(status.server.host)}:${ports}`,
    secret === undefined ? '-' : shellQuote(join(state, 'secrets', secretPath(secret))),
  ];
}

/** What it can send as; where that is nothing, what it waits for. */
function formatSenders({ senders = [] }: UserPlan['status']): string {
  const verified = senders.filter(({ state }) => state === 'Verified').map(({ sender }) => sender);
  const shown = verified.length > 0 ? verified : senders.map(({ sender, state }) => `${sender} (${state})`);
  const more = shown.length > MAX_SENDERS ? ` +${shown.length - MAX_SENDERS}` : '';
  return shown.length === 0 ? '-' : shown.slice(0, MAX_SENDERS).join(' ') + more;
}

function canSend(user: UserPlan): boolean {
  return isReady(user) && conditionOf(user.status, 'Active')?.status === 'True';
}

function isReady({ status }: UserPlan): boolean {
  return conditionOf(status, 'Ready')?.status === 'True';
}

function conditionOf(status: UserPlan['status'], type: string) {
  return status.conditions?.find((condition) => condition.type === type);
}

/** A path as a word of a shell command that people copy: with spaces, quotes or a leading hyphen it is still one file. */
export function shellQuote(path: string): string {
  const word = path.startsWith('-') ? `./${path}` : path;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
