import type { KindDefinition } from './kinds.ts';

/** Where every field of a spec may be absent, the spec may be, too: the API server fills in its defaults. */
export function isSpecNeeded({ spec, rules }: Pick<KindDefinition, 'spec' | 'rules'>): boolean {
  const empty = spec.safeParse({});
  if (!empty.success) return true;
  return rules.some(
    ({ at, transition, holds }) => at.join('.') === 'spec' && !transition && !holds(empty.data, undefined),
  );
}
