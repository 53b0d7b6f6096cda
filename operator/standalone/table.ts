import { join } from 'node:path';
import { keyOf } from '../core/model.ts';
import type { Plan, StatusPlan } from '../core/model.ts';
import { printable } from '../../relay/log-lines.ts';
import { secretPath, statusPath } from '../manifests/documents.ts';

/** More than fits a screen is in the status files. */
const MAX_ROWS = 40;
const MAX_SENDERS = 2;
const MAX_PORTS = 3;

type UserPlan = Extract<StatusPlan, { kind: 'SmtpPlusUser' }>;

/** What a person wants to know first: who may log in where, as whom, and where the password is. Never the password. */
export function formatTable(plan: Plan, { state }: { readonly state: string }): string {
  const users = plan.statuses
    .filter((status): status is UserPlan => status.kind === 'SmtpPlusUser')
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  const header = ['LIST', 'USER', 'ACTIVE', 'SENDERS', 'SERVER', 'SECRET'];
  const rows = users.slice(0, MAX_ROWS).map((user) => rowOf(user, plan, state));
  const more = users.length > MAX_ROWS ? [`... and ${users.length - MAX_ROWS} more: see ${join(state, 'status')}`] : [];
  if (users.length === 0) return 'No users yet: add a SmtpPlusUser.';
  return [...align([header, ...rows]), ...more, '', ...hints(users, plan, state)].join('\n');
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
    status.server === undefined ? '-' : `${status.server.host}:${ports}`,
    secret === undefined ? '-' : join(state, 'secrets', secretPath(secret)),
  ];
}

/** What it can send as; where that is nothing, what it waits for. */
function formatSenders({ senders = [] }: UserPlan['status']): string {
  const verified = senders.filter(({ state }) => state === 'Verified').map(({ sender }) => sender);
  const shown = verified.length > 0 ? verified : senders.map(({ sender, state }) => `${sender} (${state})`);
  const more = shown.length > MAX_SENDERS ? ` +${shown.length - MAX_SENDERS}` : '';
  return shown.length === 0 ? '-' : shown.slice(0, MAX_SENDERS).join(' ') + more;
}

/** How to read a password, and where to look when something is missing: each by a user that is there. */
function hints(users: readonly UserPlan[], plan: Plan, state: string): readonly string[] {
  const ready = users.find((user) => isReady(user));
  const lacking = users.find((user) => !isReady(user));
  const secret = plan.secrets.find(({ owner }) => owner.uid === ready?.meta.uid) ?? plan.secrets[0];
  const lines: string[] = [];
  if (secret !== undefined) {
    const file = join(state, 'secrets', secretPath(secret));
    lines.push(`password:  awk '$1 == "password:" { print $2 }' ${file} | base64 -d`);
  }
  if (lacking !== undefined) lines.push(`why not:   cat ${join(state, 'status', statusPath(lacking))}`);
  return lines;
}

function isReady({ status }: UserPlan): boolean {
  return conditionOf(status, 'Ready')?.status === 'True';
}

function conditionOf(status: UserPlan['status'], type: string) {
  return status.conditions?.find((condition) => condition.type === type);
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  // senders are anybody's text, and must not steer the terminal
  const cells = rows.map((row) => row.map(printable));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
