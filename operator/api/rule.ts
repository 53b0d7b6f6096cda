/** A rule is written twice, side by side: in CEL for the API server and in code for files. */

export interface Rule {
  /** Where `self` is in the object: property names, and `*` for every item of a list. */
  readonly at: readonly string[];
  /** The property of `self` to point at, where that is clearer than `self` as a whole. */
  readonly field?: string;
  /** Absent where CEL can't say it; the operator then says so in a condition. */
  readonly cel?: string;
  /** A full sentence with the field's name and the mend. */
  readonly message: string;
  /** A transition rule: applies to an update only. */
  readonly transition: boolean;
  readonly holds: (self: unknown, before: unknown) => boolean;
}

interface RuleText {
  readonly field?: string;
  readonly cel?: string;
  readonly message: string;
}

/** A rule about the value at a path such as `spec.senders.*`. The schema has accepted it, so that `holds` may rely on its type. */
export function rule(path: string, text: RuleText, holds: (self: never) => boolean): Rule {
  return { ...text, at: steps(path), transition: false, holds: (self) => holds(self as never) };
}

/** A property that stays as it was made: neither changed, nor set or unset later. */
export function immutable(path: string, field: string, mend: string): Rule {
  const present = (self: unknown): unknown => (self as Readonly<Record<string, unknown>>)[field];
  return {
    at: steps(path),
    field,
    // `self.field == oldSelf.field` alone is never evaluated where one of the two is absent
    cel: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
    message: `${path}.${field} is immutable; ${mend}`,
    transition: true,
    holds: (self, before) => present(self) === present(before),
  };
}

function steps(path: string): string[] {
  return path === '' ? [] : path.split('.');
}
