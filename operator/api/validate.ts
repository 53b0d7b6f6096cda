/**
 * What an API server with our CRDs would refuse, for specs that come from files, and for objects that were stored
 * before a rule was made. Schema first; rules between fields only for what the schema has accepted.
 */
import type { z } from 'zod';
import { kinds, type KindName } from './kinds.ts';
import type { ListSpec } from './list.ts';
import type { Rule } from './rule.ts';
import type { SenderSpec } from './sender.ts';
import { sentenceOf } from './sentence.ts';
import type { UserSpec } from './user.ts';

export type Path = readonly (string | number)[];

export interface Problem {
  /** From the object's root: `['spec', 'upstream', 'port']`. */
  readonly path: Path;
  /** A full sentence that names the field and the mend. */
  readonly message: string;
}

export interface SpecOf {
  readonly SmtpPlusList: ListSpec;
  readonly SmtpPlusUser: UserSpec;
  readonly VerifiedSender: SenderSpec;
}

export type Validated<Kind extends KindName> =
  | { readonly ok: true; readonly spec: SpecOf[Kind] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

interface NamedObject {
  readonly name: string;
  readonly namespace: string;
}

/** A message for people gets no longer than this; one broken object must not fill a status or a log. */
const PROBLEMS_MAX = 20;

/**
 * The spec with its defaults filled in, or what is wrong with it. Unknown fields are dropped, as the API server does.
 * `before` is the spec that was valid so far, for rules about what may change; absent at creation.
 */
export function validate<Kind extends KindName>(
  kind: Kind,
  meta: NamedObject,
  spec: unknown,
  before?: unknown,
): Validated<Kind> {
  const parsed = kinds[kind].spec.safeParse(spec, { reportInput: true });
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.slice(0, PROBLEMS_MAX).map(problemOf) };
  const object = { metadata: { name: meta.name, namespace: meta.namespace }, spec: parsed.data };
  const old = before === undefined ? undefined : { ...object, spec: before };
  const problems = kinds[kind].rules.flatMap((rule) => objections(rule, object, old)).slice(0, PROBLEMS_MAX);
  // the table of kinds pairs each name with its schema
  return problems.length === 0 ? { ok: true, spec: parsed.data as SpecOf[Kind] } : { ok: false, problems };
}

function problemOf(issue: z.core.$ZodIssue): Problem {
  const path = ['spec', ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  return { path, message: sentenceOf(formatPath(path), issue) };
}

interface Place {
  readonly path: Path;
  readonly self: unknown;
  readonly before: unknown;
}

function objections(rule: Rule, object: unknown, old: unknown): Problem[] {
  if (rule.transition && old === undefined) return [];
  let places: Place[] = [{ path: [], self: object, before: old }];
  for (const step of rule.at) places = places.flatMap((place) => below(place, step));
  return places
    .filter(({ self, before }) => !rule.holds(self, before))
    .map(({ path }) => ({ path: [...path, ...(rule.field?.split('.') ?? [])], message: `${rule.message}.` }));
}

function below({ path, self, before }: Place, step: string): Place[] {
  if (step === '*') {
    return Array.isArray(self)
      ? self.map((item, index) => ({ path: [...path, index], self: item, before: undefined }))
      : [];
  }
  const value = property(self, step);
  return value === undefined ? [] : [{ path: [...path, step], self: value, before: property(before, step) }];
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** `spec.senders[2]`. */
export function formatPath(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}
