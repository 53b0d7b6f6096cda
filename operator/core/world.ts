/**
 * A spreadsheet. Tables hold cells by key: facts, which come from outside, and formulas over other cells. A formula's
 * value is kept until a cell that it has read changes, so that one changed object costs what depends on it, and no more.
 *
 * Nobody declares dependencies: `read` notes them. What a formula decides from must therefore come through `read`, and a
 * formula that looks at `world.now` must call `wakeAt` with the moment at which its answer could be another one.
 */
import { insertAlarm, type Alarm } from './alarms.ts';
import { isEqual } from './equal.ts';
import type { Craft } from './model.ts';

export interface Table<Value> {
  readonly name: string;
  /** Absent: a table of facts. */
  readonly formula?: (world: World, key: string) => Value;
  /** Of facts: when a new value changes nothing. Default: when it is equal as plain data. */
  readonly isSame?: (a: Value, b: Value) => boolean;
}

/** What somebody carries out. Nothing is kept of it but what it depends on: `takeStale` tells which may have changed. */
export interface Result<Value> {
  readonly name: string;
  readonly formula: (world: World, key: string) => Value;
  readonly isResult: true;
}

/** A table, whatever is in it. */
type AnyTable = Pick<Table<unknown>, 'name' | 'formula'> & { readonly isResult?: true };

/** Facts by key; `undefined` for a key that nobody has set. */
export type Facts<Value> = Table<Value | undefined>;

export interface World {
  now: Date;
  readonly craft: Craft;
  /** Grows with each change; cells remember when they changed and when they were last checked. */
  revision: number;
  readonly tables: Map<AnyTable, Map<string, Cell>>;
  /** The formula being evaluated, and what it has read so far. */
  reading: { readonly cell: Cell; readonly sources: Set<Cell> } | undefined;
  readonly alarms: Alarm<Cell>[];
  /** Results that may have changed since `takeStale` was last called. */
  readonly stale: Set<Cell>;
}

interface Cell {
  readonly table: AnyTable;
  readonly key: string;
  value: unknown;
  changedAt: number;
  checkedAt: number;
  isStale: boolean;
  /** Must be evaluated even if no cell that it has read has changed: it is new, or its time has come. */
  isDue: boolean;
  wakeAt: number | undefined;
  /** What its formula has read. */
  sources: readonly Cell[] | undefined;
  /** Whose formulas have read it. A world has many cells, most with few readers: sets for all would be half of it. */
  readers: Cell | readonly Cell[] | Set<Cell> | undefined;
}

export function createWorld(now: Date, craft: Craft): World {
  return { now, craft, revision: 1, tables: new Map(), reading: undefined, alarms: [], stale: new Set() };
}

/** The value of a cell, evaluated where it has to be. Inside of a formula: notes that the formula depends on it. */
export function read<Value>(world: World, table: Table<Value>, key: string): Value {
  const cell = cellOf(world, table, key);
  if (world.reading !== undefined) {
    world.reading.sources.add(cell);
    addReader(cell, world.reading.cell);
  }
  refresh(world, cell);
  // only this table's formula, or `setFact` with this table, has put it there
  return cell.value as Value;
}

/** Comes to a result, anew each time. */
export function conclude<Value>(world: World, result: Result<Value>, key: string): Value {
  const cell = cellOf(world, result, key);
  cell.isStale = false;
  return run(world, cell, result.formula);
}

/** Sets a fact, or removes it (`undefined`). A value that equals the old one changes nothing. */
export function setFact<Value>(world: World, table: Facts<Value>, key: string, value: Value | undefined): void {
  const cell = cellOf(world, table, key);
  const isSame = table.isSame ?? isEqual;
  if (!isSame(cell.value as Value | undefined, value)) changeFact(world, cell, value);
  // the caller's own copy: one less to be kept
  else cell.value = value;
}

/** Inside of a formula: its value may change by itself at that moment. */
export function wakeAt(world: World, moment: Date): void {
  const cell = world.reading?.cell;
  if (cell === undefined || moment.getTime() <= world.now.getTime()) return;
  cell.wakeAt = Math.min(cell.wakeAt ?? Infinity, moment.getTime());
}

/** Moves the clock. Cells whose time has come are evaluated anew when they are read next. */
export function advance(world: World, now: Date): void {
  world.now = now;
  world.revision++;
  for (let alarm = world.alarms[0]; alarm !== undefined && alarm.at <= now.getTime(); alarm = world.alarms[0]) {
    world.alarms.shift();
    if (alarm.what.wakeAt !== alarm.at) continue;
    alarm.what.isDue = true;
    markStale(world, [alarm.what]);
  }
}

/** The next moment at which something changes by itself. */
export function nextAlarm(world: World): Date | undefined {
  const alarm = world.alarms.find(({ at, what }) => what.wakeAt === at);
  return alarm === undefined ? undefined : new Date(alarm.at);
}

/** Keys of results that may have changed since the last call. */
export function takeStale<Value>(world: World, table: Result<Value>): string[] {
  const keys: string[] = [];
  for (const cell of world.stale) {
    if (cell.table !== table) continue;
    world.stale.delete(cell);
    keys.push(cell.key);
  }
  return keys;
}

function cellOf(world: World, table: AnyTable, key: string): Cell {
  let cells = world.tables.get(table);
  if (cells === undefined) world.tables.set(table, (cells = new Map()));
  const found = cells.get(key);
  if (found !== undefined) return found;
  const isFormula = table.formula !== undefined;
  // one literal with every field: spreading others into it would cost each cell a second object
  const cell: Cell = {
    table,
    key,
    value: undefined,
    changedAt: 0,
    checkedAt: 0,
    isStale: isFormula,
    isDue: isFormula,
    wakeAt: undefined,
    sources: undefined,
    readers: undefined,
  };
  cells.set(key, cell);
  return cell;
}

/** More readers than these are kept in a set. */
const FEW_READERS = 4;

function readersOf({ readers }: Cell): readonly Cell[] | Set<Cell> {
  if (readers === undefined) return [];
  return 'key' in readers ? [readers] : readers;
}

function addReader(cell: Cell, reader: Cell): void {
  const readers = readersOf(cell);
  if (readers instanceof Set) readers.add(reader);
  else if (readers.length === 0) cell.readers = reader;
  else if (readers.length === FEW_READERS) cell.readers = new Set([...readers, reader]);
  else if (!readers.includes(reader)) cell.readers = [...readers, reader];
}

function removeReader(cell: Cell, reader: Cell): void {
  const readers = readersOf(cell);
  if (readers instanceof Set) readers.delete(reader);
  else if (cell.readers === reader) cell.readers = undefined;
  else cell.readers = readers.filter((other) => other !== reader);
}

function changeFact(world: World, cell: Cell, value: unknown): void {
  cell.value = value;
  cell.changedAt = ++world.revision;
  markStale(world, readersOf(cell));
}

function markStale(world: World, cells: Iterable<Cell>): void {
  const pending = [...cells];
  for (let cell = pending.pop(); cell !== undefined; cell = pending.pop()) {
    if (cell.table.isResult) world.stale.add(cell);
    if (cell.isStale) continue;
    cell.isStale = true;
    for (const reader of readersOf(cell)) pending.push(reader);
  }
}

function refresh(world: World, cell: Cell): void {
  if (cell.table.formula === undefined || !cell.isStale) return;
  if (cell.isDue || hasChangedSource(world, cell)) evaluate(world, cell, cell.table.formula);
  cell.isStale = false;
  cell.checkedAt = world.revision;
}

function hasChangedSource(world: World, cell: Cell): boolean {
  for (const source of cell.sources ?? []) {
    refresh(world, source);
    if (source.changedAt > cell.checkedAt) return true;
  }
  return false;
}

function evaluate(world: World, cell: Cell, formula: (world: World, key: string) => unknown): void {
  const alarmed = cell.wakeAt;
  cell.wakeAt = undefined;
  const value = run(world, cell, formula);
  const isNew = cell.changedAt === 0;
  if (isNew || !isEqual(cell.value, value)) {
    cell.value = value;
    cell.changedAt = world.revision;
  }
  cell.isDue = false;
  if (cell.wakeAt !== undefined && cell.wakeAt !== alarmed) insertAlarm(world.alarms, { at: cell.wakeAt, what: cell });
}

/** Runs a formula and notes what it reads, in place of what it read the last time. */
function run<Value>(world: World, cell: Cell, formula: (world: World, key: string) => Value): Value {
  for (const source of cell.sources ?? []) removeReader(source, cell);
  const outer = world.reading;
  const sources = new Set<Cell>();
  world.reading = { cell, sources };
  try {
    return formula(world, cell.key);
  } finally {
    world.reading = outer;
    cell.sources = [...sources];
  }
}
