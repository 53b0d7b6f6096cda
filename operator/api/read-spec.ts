/** Everything that the schema of a kind says about a spec: some refusals only show once others are gone. */
import type { z } from 'zod';
import { kinds, type KindName } from './kinds.ts';
import { formatPath, type Path } from './path.ts';
import { at } from './plain-data.ts';
import { sentenceOf } from './sentence.ts';
import { withoutFaults, type Rest } from './without-faults.ts';

export interface SpecProblem {
  /** From the object's root: `['spec', 'upstream', 'port']`. */
  readonly path: Path;
  /** A full sentence that names the field and the mend. */
  readonly message: string;
}

/** A field that is missing makes the mapping around it faulty, and that one the next: this deep no spec is. */
const ROUNDS_MAX = 16;

interface Reading {
  /** What the schema refuses. */
  readonly refused: readonly SpecProblem[];
  /** What it accepts. */
  readonly part?: {
    readonly data: unknown;
    /** The same, guarded against looks at what is refused. */
    readonly guarded: unknown;
    readonly asWritten: Rest['asWritten'];
  };
}

/** Takes out what is refused until the rest is accepted. */
export function readSpec(kind: KindName, spec: unknown): Reading {
  const refused: SpecProblem[] = [];
  const faults: Path[] = [];
  let rest: Rest | undefined = { spec, fields: [], asWritten: (path) => path };
  for (let round = 0; round < ROUNDS_MAX && rest !== undefined; round += 1) {
    const { asWritten, fields } = rest;
    const parsed = kinds[kind].spec.safeParse(rest.spec, { reportInput: true });
    if (parsed.success) {
      const { data } = parsed;
      return { refused, part: { data, guarded: fields.length === 0 ? data : guard(data, fields), asWritten } };
    }
    for (const issue of parsed.error.issues) {
      const path = pathOf(issue);
      const written = asWritten(path);
      // missing because it was taken out: what cannot be without it goes too
      const isTaken = at({ spec: rest.spec }, path) === undefined && at({ spec }, written) !== undefined;
      faults.push(isTaken ? written.slice(0, -1) : written);
      if (!isTaken) refused.push({ path: written, message: sentenceOf(formatPath(written), issue) });
    }
    rest = withoutFaults(spec, faults);
  }
  return { refused };
}

/** What a rule meets that looks at a refused field: it cannot be judged before that is mended. */
const REFUSED = new Error('refused by the schema');

export function isRefusal(error: unknown): boolean {
  return error === REFUSED;
}

function guard(data: unknown, fields: readonly Path[]): unknown {
  const object = structuredClone({ spec: data });
  for (const field of fields) {
    const around = at(object, field.slice(0, -1));
    if (typeof around !== 'object' || around === null) continue;
    Object.defineProperty(around, String(field.at(-1)), {
      get: () => {
        throw REFUSED;
      },
    });
  }
  return object.spec;
}

function pathOf({ path }: z.core.$ZodIssue): Path {
  return ['spec', ...path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
}
