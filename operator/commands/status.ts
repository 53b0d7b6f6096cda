/** `status`: what is ready, what is not, and why; for objects that are named, everything that is known. */
import { kindNames } from '../api/kinds.ts';
import { describeObject } from './describe.ts';
import { find, questionOf } from './question.ts';
import type { SeenObject, Result, Source } from './source.ts';
import { item, textTable, type Width } from './text.ts';
import { asJson, noticesOf, verdictOf } from './verdict.ts';

export interface StatusOptions extends Width {
  readonly what: readonly string[];
  readonly namespace?: string | undefined;
}

export async function runStatus(source: Source, { what, namespace, width }: StatusOptions): Promise<Result> {
  const { objects, missing } = await find(source, questionOf(what), namespace);
  const warnings = await source.warnings();
  const summary = (): string => summarize(objects, { width });
  const descriptions = (): string => objects.map(describe).join('\n\n');
  return {
    code: missing.length === 0 ? 0 : 1,
    text: what.length === 0 ? summary() : descriptions(),
    json: { source: source.name, warnings, objects: objects.map(asJson), missing },
    problems: [
      ...warnings.map((words) => `warning: ${words}`),
      ...missing.map((key) => `error: nothing is known of ${key}; there is no such object, or nobody has read it yet`),
    ],
  };
}

function describe(object: SeenObject): string {
  const { kind, namespace, name, unreadable } = object;
  return unreadable === undefined ? describeObject(object) : `${kind} ${namespace}/${name}: ${unreadable}`;
}

function summarize(objects: readonly SeenObject[], width: Width): string {
  if (objects.length === 0) return 'There are no lists, users or senders yet.';
  const rows = kindNames.map((kind) => {
    const verdicts = objects.filter((object) => object.kind === kind).map((object) => verdictOf(object).isReady);
    const count = (isReady: boolean | undefined): string => String(verdicts.filter((one) => one === isReady).length);
    return [kind, count(true), count(false), count(undefined)];
  });
  const lacking = objects.filter((object) => verdictOf(object).isReady !== true);
  const noted = objects.filter((object) => verdictOf(object).isReady === true && noticesOf(object).length > 0);
  return [
    ...textTable([['KIND', 'READY', 'NOT READY', 'UNKNOWN'], ...rows], width),
    ...section('Not ready:', lacking, (object) => [verdictOf(object)]),
    ...section('Ready, but worth knowing:', noted, noticesOf),
  ].join('\n');
}

function section(
  title: string,
  objects: readonly SeenObject[],
  said: (object: SeenObject) => readonly { readonly reason: string; readonly message: string }[],
): string[] {
  if (objects.length === 0) return [];
  const lines = objects.flatMap((object) =>
    said(object).flatMap(({ reason, message }) =>
      item(`${object.kind} ${object.namespace}/${object.name}: ${reason}`, message),
    ),
  );
  return ['', title, ...lines];
}
