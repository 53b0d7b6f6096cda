/** The status of an object as text for a terminal: each field by its name, each condition with its message, as `kubectl describe` does. */
import type { KindName } from '../api/kinds.ts';
import type { ObjectName } from '../api/names.ts';
import { asRecord } from '../api/plain-data.ts';
import { printable } from '../printable.ts';

export interface Described extends ObjectName {
  readonly kind: KindName;
  readonly status: unknown;
}

const INDENT = '  ';

export function describeObject({ kind, namespace, name, status }: Described): string {
  const { conditions, observedGeneration: _, ...fields } = asRecord(status);
  return [
    `${kind} ${namespace}/${name}`,
    ...linesOf(fields, INDENT),
    `${INDENT}Conditions:`,
    ...conditionLines(conditions, INDENT + INDENT),
  ]
    .map(printable)
    .join('\n');
}

function linesOf(fields: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(fields).flatMap(([key, value]) => valueLines(`${indent}${title(key)}:`, value, indent));
}

function valueLines(head: string, value: unknown, indent: string): string[] {
  const inner = indent + INDENT;
  if (Array.isArray(value)) {
    const isPlain = value.every((one) => typeof one !== 'object');
    if (isPlain) return [`${head} ${value.join(', ')}`];
    // each begins with a hyphen in place of its first indent
    return [head, ...value.flatMap((one) => asItem(linesOf(asRecord(one), `${inner}${INDENT}`), inner))];
  }
  if (typeof value === 'object' && value !== null) return [head, ...linesOf(asRecord(value), inner)];
  return [`${head} ${String(value)}`];
}

function asItem([first = '', ...rest]: readonly string[], indent: string): string[] {
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

/** The message on a line of its own: it is a sentence or more, and is copied from. */
function conditionLines(conditions: unknown, indent: string): string[] {
  if (!Array.isArray(conditions) || conditions.length === 0) return [`${indent}none yet`];
  return conditions.flatMap((condition) => {
    const { type, status, reason, message, lastTransitionTime } = asRecord(condition);
    const head = `${indent}${String(type)}: ${String(status)}, ${String(reason)}, since ${String(lastTransitionTime)}`;
    return [head, `${indent}${INDENT}${String(message)}`];
  });
}

/** `nextCheckTime` -> `Next check time`. */
function title(key: string): string {
  const words = key.replaceAll(
    /([a-z])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
  return words.charAt(0).toUpperCase() + words.slice(1);
}
