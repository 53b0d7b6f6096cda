import { isEqual } from './equal.ts';

/** Keys of what is another value than before. */
export function differing<Value>(
  before: ReadonlyMap<string, Value> = new Map<string, Value>(),
  after: ReadonlyMap<string, Value> = new Map<string, Value>(),
): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((key) => !isEqual(before.get(key), after.get(key)));
}
