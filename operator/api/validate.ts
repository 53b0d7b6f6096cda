/**
 * What an API server with our CRDs would refuse, for specs that come from files, and for objects that were stored
 * before a rule existed. All of it in one round: where the schema refuses part of a spec, the rules judge the rest.
 */
import { isSpecNeeded, kinds, type KindName } from './kinds.ts';
import type { ListSpec } from './list.ts';
import type { ObjectName } from './names.ts';
import type { Path } from './path.ts';
import { at } from './plain-data.ts';
import { isRefusal, readSpec, type SpecProblem } from './read-spec.ts';
import type { Rule } from './rule.ts';
import type { SenderSpec } from './sender.ts';
import type { UserSpec } from './user.ts';

export interface SpecOf {
  readonly SmtpPlusList: ListSpec;
  readonly SmtpPlusUser: UserSpec;
  readonly VerifiedSender: SenderSpec;
}

export type Validated<Kind extends KindName> =
  | { readonly ok: true; readonly spec: SpecOf[Kind] }
  | {
      readonly ok: false;
      readonly problems: readonly SpecProblem[];
      /** What the schema accepts of it; absent where that is nothing. */
      readonly sound?: Sound<Kind>;
    };

/** A spec with its defaults filled in, apart from what the schema refuses. */
interface Sound<Kind extends KindName> {
  readonly spec: SpecOf[Kind];
  /** The way to the same place of the object as it is written. */
  readonly asWritten: (path: Path) => Path;
}

/** More than anybody corrects in one round; one broken object must not fill a report. */
const PROBLEMS_MAX = 100;

/**
 * The spec with its defaults filled in, or what is wrong with it. Unknown fields are dropped, as the API server does.
 * `before` is the spec that was valid so far, for rules about what may change; absent at creation.
 */
export function validate<Kind extends KindName>(
  kind: Kind,
  meta: ObjectName,
  spec: unknown,
  before?: unknown,
): Validated<Kind> {
  const { refused, part } = readSpec(kind, isSpecNeeded(kinds[kind]) ? spec : (spec ?? {}));
  if (part === undefined) return { ok: false, problems: refused.slice(0, PROBLEMS_MAX) };
  const { name, namespace } = meta;
  const within = (inner: unknown): unknown => ({ metadata: { name, namespace }, spec: inner });
  const old = before === undefined ? undefined : within(before);
  const broken = kinds[kind].rules.flatMap((rule) => objections(rule, within(part.data), old, within(part.guarded)));
  const problems = [...refused, ...broken.map(({ path, message }) => ({ path: part.asWritten(path), message }))];
  // the table of kinds pairs each name with its schema
  const sound = { spec: part.data as SpecOf[Kind], asWritten: part.asWritten };
  if (problems.length === 0) return { ok: true, spec: sound.spec };
  return { ok: false, problems: problems.slice(0, PROBLEMS_MAX), sound };
}

interface Place {
  readonly path: Path;
  readonly self: unknown;
  readonly before: unknown;
}

/** Where a rule is broken. `guarded` is the object with its guards, for the rule to look at. */
function objections(rule: Rule, object: unknown, old: unknown, guarded: unknown): SpecProblem[] {
  if (rule.transition && old === undefined) return [];
  let places: Place[] = [{ path: [], self: object, before: old }];
  for (const step of rule.at) places = places.flatMap((place) => below(place, step));
  return places
    .filter(({ path, before }) => isBroken(rule, () => at(guarded, path), before))
    .map(({ path }) => ({ path: [...path, ...(rule.field?.split('.') ?? [])], message: `${rule.message}.` }));
}

function isBroken(rule: Rule, self: () => unknown, before: unknown): boolean {
  try {
    return !rule.holds(self(), before);
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

function below({ path, self, before }: Place, step: string): Place[] {
  if (step === '*') {
    return Array.isArray(self)
      ? self.map((item, index) => ({ path: [...path, index], self: item, before: undefined }))
      : [];
  }
  const value = at(self, [step]);
  return value === undefined ? [] : [{ path: [...path, step], self: value, before: at(before, [step]) }];
}
