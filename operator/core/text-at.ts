/** The text at a place in a spec that has not been checked; undefined where there is none, or an empty one. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null ? (at as Readonly<Record<string, unknown>>)[step] : undefined),
    value,
  );
  return typeof found === 'string' && found !== '' ? found : undefined;
}
