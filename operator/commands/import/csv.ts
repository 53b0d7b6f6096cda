/** A table of users: `user,password,senders,active,description`, of which only the first column must be there. */
import { CommandError } from '../source.ts';
import type { Imported, ImportedUser } from './imported.ts';

const COLUMNS = ['user', 'password', 'senders', 'active', 'description'] as const;
type Column = (typeof COLUMNS)[number];

const ACTIVE = ['yes', 'true', '1', 'active', 'y', 'on', 't', ''];
const INACTIVE = ['no', 'false', '0', 'inactive', 'n', 'off', 'disabled', 'f'];

export function importCsv(text: string, file: string): Imported {
  const [header = [], ...rows] = rowsOf(text.replace(/^\ufeff/, ''), file);
  const names = header.map((name) => name.trim().toLowerCase());
  const unknown = names.filter((name) => !(COLUMNS as readonly string[]).includes(name));
  if (!names.includes('user')) {
    throw new CommandError(
      `${file}: its first line must name the columns, and one of them must be user; the others may be ${COLUMNS.slice(1).join(', ')}`,
    );
  }
  const users = rows.map((row, index): ImportedUser => {
    const cell = (column: Column): string => (row[names.indexOf(column)] ?? '').trim();
    const login = cell('user');
    if (login === '') throw new CommandError(`${file}: row ${index + 2} has no user`);
    const senders = cell('senders')
      .toLowerCase()
      .split(/[\s;]+/)
      .filter((sender) => sender !== '');
    return {
      login,
      password: cell('password') || undefined,
      senders: senders.length > 0 ? senders.map((sender) => (sender.includes('@') ? sender : `@${sender}`)) : undefined,
      active: isActive(cell('active'), `${file}: row ${index + 2}`),
      description: cell('description') || undefined,
    };
  });
  return {
    upstreams: [],
    users,
    senders: [],
    warnings: unknown.map((name) => `the column ${name} is not carried over; known are ${COLUMNS.join(', ')}`),
  };
}

/** A guess might let somebody send who was shut out. The value is not told: where a comma is missing, it is a password. */
function isActive(value: string, where: string): boolean {
  const word = value.toLowerCase();
  if (ACTIVE.includes(word)) return true;
  if (INACTIVE.includes(word)) return false;
  const [yes, no] = [ACTIVE, INACTIVE].map((words) => words.filter((one) => one !== '').join(', '));
  throw new CommandError(
    `${where} has an unknown value in the column active; write one of ${yes}, or nothing; or one of ${no}`,
  );
}

/** RFC 4180: fields in double quotes may hold commas, line ends, and quotes that are doubled. */
function rowsOf(text: string, file: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null)
      throw new CommandError(`${file}: row ${rows.length + 1} has a quote that does not end, or something behind one`);
    const [, quoted, plain = '', end] = match;
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    if (row.some((cell) => cell.trim() !== '')) rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}
