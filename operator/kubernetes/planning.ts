/**
 * Keeps the plan in step with the caches. A change only marks what is to be looked at again; a step then feeds the core
 * with what the caches hold by now, and tells what came of it.
 */
import {
  leftOutEntries,
  leftOutKey,
  namespaceLabels,
  programmedFacts,
  secrets,
  secretTroubles,
  setObject,
} from '../core/facts.ts';
import type { ClassView, Craft, Kind, ProgrammedFact, RawObject, SecretView, Snapshot } from '../core/model.ts';
import { createPlanner, noKeys, replan, type Planner, type Replanned } from '../core/planner.ts';
import { advance, nextAlarm, setFact } from '../core/world.ts';
import { wholeSeconds } from '../core/time.ts';
import type { Labels } from './cache/caches.ts';
import type { DocumentId } from './documents.ts';

/** The world as the caches hold it. */
export interface Sources {
  readonly object: (kind: Kind, key: string) => RawObject | undefined;
  readonly objectKeys: (kind: Kind) => Iterable<string>;
  readonly secret: (key: string) => SecretView | undefined;
  readonly secretKeys: () => Iterable<string>;
  readonly namespace: (name: string) => Labels | undefined;
  readonly namespaceNames: () => Iterable<string>;
}

export interface Planning {
  readonly planner: () => Planner | undefined;
  readonly markObject: (kind: Kind, key: string) => void;
  readonly markSecret: (key: string) => void;
  readonly markNamespace: (name: string) => void;
  readonly setProgrammed: (className: string, fact: ProgrammedFact) => void;
  /** Says which entries a document has no room for. */
  readonly setLeftOut: (document: DocumentId, keys: readonly string[]) => void;
  /** Says why the Secret of a user (`NAMESPACE/NAME`) cannot be written, or that nothing keeps it from that any more. */
  readonly setSecretTrouble: (user: string, trouble: string | undefined) => void;
  readonly hasSecretTrouble: (user: string) => boolean;
  /** Plans everything from the caches, as if just started. */
  readonly full: (classes: ReadonlyMap<string, ClassView>) => Replanned;
  /** Plans what was marked, and what is due by now. */
  readonly step: () => Replanned | undefined;
  readonly hasMarks: () => boolean;
  /** When the plan changes by itself. */
  readonly nextLook: () => Date | undefined;
}

const KINDS = ['SmtpPlusList', 'SmtpPlusUser', 'VerifiedSender'] as const satisfies readonly Kind[];

export function createPlanning(sources: Sources, craft: Craft, onMark: () => void): Planning {
  let planner: Planner | undefined;
  let marks = noMarks();
  const programmed = new Map<string, ProgrammedFact>();
  const troubles = new Map<string, string>();
  /** By document, as `CLASS FILE`. */
  const leftOut = new Map<string, ReadonlySet<string>>();
  const allLeftOut = (): ReadonlySet<string> => new Set([...leftOut.values()].flatMap((keys) => Array.from(keys)));
  /** Whatever is marked before the first full plan is in that plan. */
  const mark = (set: Set<string>, key: string): void => {
    if (planner === undefined) return;
    set.add(key);
    onMark();
  };

  function feed(to: Planner): void {
    const { objects, secretKeys, namespaces, classNames, troubledUsers, entries } = marks;
    for (const kind of KINDS) {
      for (const key of objects[kind]) setObject(to.world, kind, key, sources.object(kind, key));
    }
    for (const key of secretKeys) setFact(to.world, secrets, key, sources.secret(key));
    for (const name of namespaces) setFact(to.world, namespaceLabels, name, sources.namespace(name));
    for (const name of classNames) setFact(to.world, programmedFacts, name, programmed.get(name));
    for (const user of troubledUsers) setFact(to.world, secretTroubles, user, troubles.get(user));
    const isLeftOut = entries.size === 0 ? undefined : allLeftOut();
    for (const key of entries) setFact(to.world, leftOutEntries, key, isLeftOut?.has(key) ? true : undefined);
  }

  return {
    planner: () => planner,
    markObject: (kind, key) => mark(marks.objects[kind], key),
    markSecret: (key) => mark(marks.secretKeys, key),
    markNamespace: (name) => mark(marks.namespaces, name),
    setProgrammed: (className, fact) => {
      programmed.set(className, fact);
      mark(marks.classNames, className);
    },
    setLeftOut: ({ className, fileName }, keys) => {
      const before = leftOut.get(`${className} ${fileName}`) ?? new Set<string>();
      const now = new Set(keys.map((key) => leftOutKey(className, key)));
      leftOut.set(`${className} ${fileName}`, now);
      for (const key of [...before, ...now]) if (before.has(key) !== now.has(key)) mark(marks.entries, key);
    },
    setSecretTrouble: (user, trouble) => {
      // the first words stand: where they differ each time, each would be a plan and another try at once
      if (troubles.has(user) === (trouble !== undefined)) return;
      if (trouble === undefined) troubles.delete(user);
      else troubles.set(user, trouble);
      mark(marks.troubledUsers, user);
    },
    hasSecretTrouble: (user) => troubles.has(user),
    full: (views) => {
      marks = noMarks();
      const made = createPlanner(
        snapshotOf(sources, views, { programmed, secretTroubles: troubles, leftOut: allLeftOut() }),
        new Date(),
        craft,
      );
      ({ planner } = made);
      return made.first;
    },
    step: () => {
      if (planner === undefined) return undefined;
      advance(planner.world, wholeSeconds(new Date()));
      feed(planner);
      const { objects, secretKeys } = marks;
      marks = noMarks();
      return replan(planner, { ...objects, Secret: secretKeys });
    },
    hasMarks: () =>
      [
        ...Object.values(marks.objects),
        marks.secretKeys,
        marks.namespaces,
        marks.classNames,
        marks.troubledUsers,
        marks.entries,
      ].some(({ size }) => size > 0),
    nextLook: () => (planner === undefined ? undefined : nextAlarm(planner.world)),
  };
}

function noMarks() {
  const { Secret: secretKeys, ...objects } = noKeys();
  const empty = () => new Set<string>();
  return { objects, secretKeys, namespaces: empty(), classNames: empty(), troubledUsers: empty(), entries: empty() };
}

function snapshotOf(
  sources: Sources,
  views: ReadonlyMap<string, ClassView>,
  told: Pick<Snapshot, 'programmed' | 'secretTroubles' | 'leftOut'>,
): Snapshot {
  const collect = <T>(keys: Iterable<string>, get: (key: string) => T | undefined): Map<string, T> => {
    const found = new Map<string, T>();
    for (const key of keys) {
      const value = get(key);
      if (value !== undefined) found.set(key, value);
    }
    return found;
  };
  return {
    classes: views,
    namespaces: collect(sources.namespaceNames(), sources.namespace),
    objects: KINDS.map((kind) => collect(sources.objectKeys(kind), (key) => sources.object(kind, key))).flatMap(
      (found) => Array.from(found.values()),
    ),
    secrets: collect(sources.secretKeys(), sources.secret),
    dns: new Map(),
    verification: 'none',
    ...told,
  };
}
