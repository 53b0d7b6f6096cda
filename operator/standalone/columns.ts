/** Aligned columns, with no row wider than the terminal. */
import { printable } from '../printable.ts';

const GAP = 2;
/** Less says nothing. */
const CELL_MIN = 8;

export interface Fit {
  readonly width: number;
  /** Headers of columns to leave out where there is no room, in this order. */
  readonly leaveOut: readonly string[];
}

/** @param rows the header first; each row has as many cells. */
export function fitColumns(rows: readonly (readonly string[])[], { width, leaveOut }: Fit): string[] {
  // cells are anybody's text, and must not steer the terminal
  let cells = rows.map((row) => row.map(printable));
  for (const name of leaveOut) {
    if (lineWidth(widthsOf(cells)) <= width) break;
    const column = cells[0]?.indexOf(name) ?? -1;
    cells = cells.map((row) => row.filter((_, index) => index !== column));
  }
  const widths = shrink(widthsOf(cells), width);
  return cells.map((row) =>
    row
      .map((cell, column) => clip(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

function widthsOf(cells: readonly (readonly string[])[]): readonly number[] {
  return (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1);
}

/** Shortens the widest column by one, again and again, until all fit. */
function shrink(wanted: readonly number[], width: number): readonly number[] {
  const widths = [...wanted];
  for (let excess = lineWidth(widths) - width; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= CELL_MIN) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function clip(cell: string, width: number): string {
  return cell.length > width ? `${cell.slice(0, width - 1)}…` : cell;
}
