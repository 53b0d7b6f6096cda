/** A spec without its faulty parts, so that one slip does not hide the next. */
import type { Path } from './path.ts';
import { at } from './plain-data.ts';

export interface Rest {
  readonly spec: unknown;
  /** Fields that were taken out of mappings, with all that they hold. */
  readonly fields: readonly Path[];
  /** The way into the object as it is written: taking items out of a list has moved those after them. */
  readonly asWritten: (path: Path) => Path;
}

/** The spec without what is at these paths (`['spec', 'senders', 0]`); undefined where nothing is left. */
export function withoutFaults(spec: unknown, faults: readonly Path[]): Rest | undefined {
  const object = { spec };
  const taken = new Map(faults.map((path) => partToTake(object, path)).map((path) => [keyOf(path), path]));
  if (taken.has(keyOf(['spec'])) || taken.has(keyOf([]))) return undefined;
  return {
    spec: copied(spec, ['spec'], taken),
    fields: [...taken.values()].filter((path) => typeof path.at(-1) === 'string' && !isWithin(path, taken)),
    asWritten: (path) => counted(path, taken),
  };
}

/** An item of a list goes as a whole; so does what a missing field is missing from. */
function partToTake(object: unknown, path: Path): Path {
  const item = path.findIndex((step) => typeof step === 'number');
  if (item >= 0) return path.slice(0, item + 1);
  return path.length > 0 && at(object, path) === undefined ? partToTake(object, path.slice(0, -1)) : path;
}

function isWithin(path: Path, taken: ReadonlyMap<string, Path>): boolean {
  return path.some((_, length) => taken.has(keyOf(path.slice(0, length))));
}

function copied(value: unknown, path: Path, taken: ReadonlyMap<string, Path>): unknown {
  const isTaken = (step: string | number): boolean => taken.has(keyOf([...path, step]));
  if (Array.isArray(value)) {
    const left = value.filter((_, index) => !isTaken(index));
    // an empty list may mean the opposite of none
    return left.length === 0 && value.length > 0 ? undefined : left;
  }
  if (typeof value !== 'object' || value === null) return value;
  const left = Object.entries(value).filter(([name]) => !isTaken(name));
  return Object.fromEntries(left.map(([name, inner]) => [name, copied(inner, [...path, name], taken)]));
}

function counted(path: Path, taken: ReadonlyMap<string, Path>): Path {
  const place = path.findIndex((step) => typeof step === 'number');
  if (place < 0) return path;
  const list = path.slice(0, place);
  let index = -1;
  for (let left = Number(path[place]); left >= 0; left -= 1) {
    do index += 1;
    while (taken.has(keyOf([...list, index])));
  }
  return [...list, index, ...path.slice(place + 1)];
}

function keyOf(path: Path): string {
  return path.join('\0');
}
