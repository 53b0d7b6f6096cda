/**
 * Which manifests are in force: an object that cannot be read, or that an API server would refuse, stays as it last
 * was, until it is put right or taken out.
 */
import { resolve } from 'node:path';
import type { Finding } from '../check/finding.ts';
import { emptyFile } from '../check/problems.ts';
import type { ObjectFaults } from '../core/model.ts';
import type { Manifest, Problem } from '../manifests/parse.ts';
import { formatSource, manifestKey } from '../manifests/read.ts';
import type { FolderContent, ReadFile } from '../manifests/read.ts';
import { isAtOrBelow } from '../manifests/walk.ts';
import type { LastGood } from './last-good.ts';
import { faultsIn } from './manifest-faults.ts';
import type { ManifestFault, ManifestFaults } from './manifest-faults.ts';

export interface InForce {
  readonly content: FolderContent;
  /** Faults of objects whose names can be read. */
  readonly faults: readonly ManifestFault[];
  /** Faults of objects that are not in force as they are written, by manifest. */
  readonly faultsOf: (manifest: Manifest) => ObjectFaults | undefined;
}

interface Options {
  /** Whether a field that no kind has is refused, in place of a warning. */
  readonly strict: boolean;
}

/** Faults named in a status; the log has them all. */
const NAMED_MAX = 5;
const KEPT = 'Its last good version stays in force.';

/** A judge that remembers: what has not changed is the same manifest again, and is not judged again. */
export function createInForce(lastGood: LastGood, { strict }: Options): (content: FolderContent) => Promise<InForce> {
  let good = lastGood.files;
  const judged = new WeakMap<Manifest, { readonly before: Manifest | undefined; readonly judgement: Judgement }>();
  const stale = new WeakMap<Manifest, { readonly message: string; readonly manifest: Manifest }>();

  function judgeOnce(manifest: Manifest, before: Manifest | undefined): Judgement {
    const known = judged.get(manifest);
    const isSame = known?.before?.value === before?.value || before?.value === manifest.value;
    if (known !== undefined && isSame) return known.judgement;
    const judgement = judge(manifest, before, strict);
    judged.set(manifest, { before, judgement });
    return judgement;
  }

  return async (content) => {
    const written = new Set(content.files.flatMap((file) => file.content.manifests.map(manifestKey)));
    // the first of one name counts, here as among the files
    const before = new Map(
      [...good.values()]
        .flat()
        .toReversed()
        .map((manifest) => [manifestKey(manifest), manifest]),
    );
    const next = new Map<string, readonly Manifest[]>();
    const faultsOf = new Map<Manifest, ObjectFaults>();
    const faults: ManifestFault[] = [];

    /** Objects that a file held and does not name now, as far as one of its problems may be about them. */
    function missingIn(path: string, problems: readonly Problem[], effect: 'kept' | 'unread'): readonly Manifest[] {
      return (good.get(path) ?? []).flatMap((manifest) => {
        const problem = problems.find(({ names }) => isAbout(manifest, names));
        if (written.has(manifestKey(manifest)) || problem === undefined) return [];
        const message = `${problem.message} (${formatSource(problem.source)}). ${KEPT}`;
        const known = stale.get(manifest);
        const kept = known?.message === message ? known.manifest : { ...manifest };
        stale.set(manifest, { message, manifest: kept });
        faultsOf.set(kept, { effect, message });
        return [kept];
      });
    }

    function take(file: ReadFile): ReadFile {
      const { path, content } = file;
      const place = resolve(path);
      if (content.broken) {
        const isNew = content.isEmpty && !good.has(place);
        if (isNew) {
          faults.push(...content.problems.map(emptyFile).map(having('warned')));
          return { path, content: { ...content, problems: [], broken: false } };
        }
        next.set(place, good.get(place) ?? []);
        return { path, content: { ...content, manifests: missingIn(place, content.problems, 'unread') } };
      }
      const judgements = content.manifests.map((manifest) => judgeOnce(manifest, before.get(manifestKey(manifest))));
      for (const { manifest, logged, faults: ofObject } of judgements) {
        faults.push(...logged);
        if (manifest !== undefined && ofObject !== undefined) faultsOf.set(manifest, ofObject);
      }
      const missing = content.problems.length === 0 ? [] : missingIn(place, content.problems, 'kept');
      const taken = judgements.flatMap(({ good: one }) => one ?? []);
      const kept = (good.get(place) ?? []).filter((one) => missing.some((m) => manifestKey(m) === manifestKey(one)));
      if (taken.length + kept.length > 0) next.set(place, [...taken, ...kept]);
      const manifests = judgements.flatMap(({ manifest }) => manifest ?? []);
      return { path, content: { ...content, manifests: [...manifests, ...missing] } };
    }

    const files = content.files.map(take);
    // what lies below something that cannot be looked into has not been deleted
    const hidden = content.hidden.map((path) => resolve(path));
    for (const [path, manifests] of hidden.length === 0 ? [] : good) {
      if (next.has(path) || !isAtOrBelow(path, hidden)) continue;
      next.set(path, manifests);
      const problems = content.problems.filter(({ source }) => isAtOrBelow(path, [resolve(source.file)]));
      const unread = { manifests: missingIn(path, problems, 'unread'), ignored: [], problems: [], broken: true };
      files.push({ path, content: unread });
    }
    await lastGood.save(next);
    good = next;
    return { content: { ...content, files }, faults, faultsOf: (manifest) => faultsOf.get(manifest) };
  };
}

interface Judgement {
  /** In force; absent where nothing is. */
  readonly manifest?: Manifest;
  /** For the core. */
  readonly faults?: ObjectFaults;
  /** For the log. */
  readonly logged: readonly ManifestFault[];
  /** To be kept; absent where it has never been taken. */
  readonly good?: Manifest;
}

function judge(manifest: Manifest, before: Manifest | undefined, strict: boolean): Judgement {
  const found = faultsIn(manifest, before);
  const refusals = strict ? [...found.refusals, ...found.warnings] : found.refusals;
  const warnings = strict ? [] : found.warnings.map(having('warned'));
  if (refusals.length === 0) {
    const logged = warnings;
    if (logged.length === 0) return { manifest, logged, good: manifest };
    return { manifest, logged, faults: { effect: 'warned', message: inWords(logged) }, good: manifest };
  }
  const effect = before === undefined ? 'refused' : 'kept';
  const logged = [...refusals.map(having(effect)), ...warnings];
  if (before === undefined) {
    if (manifest.kind === 'Secret') return { logged };
    if (isSaidByCore(found)) return { manifest, logged };
    return { manifest, logged, faults: { effect, message: inWords(logged) } };
  }
  const kept = { ...manifest, value: before.value };
  return { manifest: kept, logged, faults: { effect, message: `${inWords(logged)} ${KEPT}` }, good: before };
}

function having(effect: ManifestFault['effect']): (finding: Finding) => ManifestFault {
  return ({ source, rule, message }) => ({ source, rule, message, effect });
}

function isSaidByCore({ isKnownToCore, warnings }: ManifestFaults): boolean {
  return isKnownToCore && warnings.length === 0;
}

function inWords(faults: readonly ManifestFault[]): string {
  const named = faults.slice(0, NAMED_MAX).map(({ message, source }) => `${message} (${formatSource(source)})`);
  return faults.length > NAMED_MAX ? `${named.join(' ')} And ${faults.length - NAMED_MAX} more.` : named.join(' ');
}

/** A problem that does not say which object it is about may be about any. */
function isAbout(manifest: Manifest, names: Problem['names']): boolean {
  return names === undefined || (names.name === manifest.name && names.namespace === manifest.namespace);
}
