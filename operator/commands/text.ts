/** Text for a terminal, or for a pipe, where no line is shortened. */
import { printable } from '../printable.ts';
import { fitColumns } from '../standalone/columns.ts';

export interface Width {
  /** Columns of the terminal. */
  readonly width: number;
}

/** @param rows the header first. @param leaveOut headers of columns to leave out where there is no room, in this order */
export function textTable(
  rows: readonly (readonly string[])[],
  { width }: Width,
  leaveOut: readonly string[] = [],
): readonly string[] {
  return fitColumns(rows, { width, leaveOut });
}

/** A message of several lines, each with the indent; nothing in it steers the terminal. */
export function paragraph(text: string, indent: string): readonly string[] {
  return text.split('\n').map((line) => indent + printable(line));
}

/** What is said of one object, under its name. */
export function item(title: string, message: string): readonly string[] {
  return [`  ${printable(title)}`, ...paragraph(message, '    ')];
}

/** ISO 8601, without what nobody reads. */
export function shortTime(time: unknown): string {
  return typeof time === 'string' && time !== '' ? time.replace(/:\d\d(\.\d+)?Z$/, 'Z') : '-';
}
