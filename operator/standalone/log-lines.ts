/** Log lines for people at a terminal: one line an event, the words first and the details after them. */
import { styleText } from 'node:util';
import { printable } from '../printable.ts';

type Entry = Readonly<Record<string, unknown>>;

/** More than this of one value helps nobody, and a hostile client chooses some of them. */
const VALUE_MAX = 200;
/** What the line begins with, in this order: what it is about, then what there is to say. */
const SUBJECT = ['place', 'kind', 'object'];
const WORDS = ['problem', 'msg'];
const UNTOLD = new Set(['time', 'level', 'event', ...SUBJECT, ...WORDS]);

/** One line of the log (JSON) as a person reads it, without a line feed. A line that is no JSON is given as it is. */
export function formatLogLine(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return printable(line.trimEnd());
  const clock = styleText('dim', clockOf(entry['time']));
  return [clock, mark(entry), formatEntry(entry)].join(' ').trimEnd();
}

/** Its words, and then its details; without its time and its level. */
export function formatEntry(entry: Entry): string {
  const words = [textsOf(entry, SUBJECT).join(' '), ...textsOf(entry, WORDS)].filter((part) => part !== '').join(': ');
  const details = Object.entries(entry)
    .filter(([name]) => !UNTOLD.has(name))
    .map(([name, value]) => `${name}=${formatValue(value)}`);
  return [words, ...details].map(printable).join(' ');
}

function textsOf(entry: Entry, names: readonly string[]): readonly string[] {
  return names.map((name) => entry[name]).filter((value) => typeof value === 'string');
}

function mark({ level }: Entry): string {
  if (level === 'error' || level === 'fatal') return styleText('red', 'error');
  return level === 'warn' ? styleText('yellow', 'warn ') : styleText('green', 'info ');
}

function clockOf(time: unknown): string {
  return typeof time === 'string' ? new Date(time).toTimeString().slice(0, 8) : '';
}

function formatValue(value: unknown): string {
  if (Array.isArray(value)) return clip(value.map(formatScalar).join(','));
  if (typeof value === 'object' && value !== null && 'message' in value) return quote(String(value.message));
  return quote(formatScalar(value));
}

function formatScalar(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function quote(text: string): string {
  return /[\s"]/.test(text) ? `"${clip(text)}"` : clip(text);
}

function clip(text: string): string {
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}...` : text;
}

function parse(line: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Entry) : undefined;
  } catch {
    return undefined;
  }
}
