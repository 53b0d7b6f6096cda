/**
 * What is wrong with objects together, as the operator itself would judge it: the core plans, and its objections count.
 */
import type { Condition } from '../api/common.ts';
import { keyOf, type PlannedStatus } from '../core/model.ts';
import { plan } from '../core/plan.ts';
import { manifestKey } from '../manifests/read.ts';
import { asRecord } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';
import type { NamespaceLimits, Settings } from '../settings/settings.ts';
import { checkClasses } from './classes.ts';
import { findingAt, type Finding } from './finding.ts';
import { mended } from './mended.ts';
import { objectionTo, type CheckedObject, type Surroundings } from './objections.ts';
import { issuer, NOW, snapshotOf, type KnownSettings } from './snapshot.ts';
import { sharedUsernames } from './usernames.ts';

export interface References {
  /** Whether there may be others beside these manifests, such as files that were not named. */
  readonly isPart: boolean;
  /** The relay classes; absent where no settings are at hand. */
  readonly classes?: Settings['classes'];
  /** How many objects of a namespace are served; absent where no settings are at hand. */
  readonly namespaceLimits?: NamespaceLimits;
  /** What another installation serves. */
  readonly classesElsewhere?: readonly string[];
}

/** Findings about references, conflicts and names that only all objects together can tell. */
export function checkReferences(
  manifests: readonly Manifest[],
  { isPart, classes, namespaceLimits, classesElsewhere = [] }: References,
): Finding[] {
  const written = new Map(manifests.map((manifest) => [manifestKey(manifest), manifest]));
  const sound = manifests.flatMap((manifest) => mended(manifest) ?? []);
  const [users, lists] = [sound.filter(isOf('SmtpPlusUser')), sound.filter(isOf('SmtpPlusList'))];
  const surroundings = surroundingsOf(sound, isPart);
  const statuses = statusesOf(sound, { classes, namespaceLimits });
  return [
    ...statuses.flatMap((status) => {
      const manifest = written.get(manifestKey({ kind: status.kind, ...status.meta }));
      const conditions = status.status.conditions ?? [];
      return manifest === undefined ? [] : conditions.flatMap((one) => about(one, { manifest, surroundings, status }));
    }),
    ...sharedUsernames(users, statuses),
    ...checkClasses(lists, classes && [...Object.keys(classes), ...classesElsewhere]),
  ];
}

function isOf(wanted: Manifest['kind']): (manifest: Manifest) => boolean {
  return ({ kind }) => kind === wanted;
}

/** The core looks no further where it does not accept a user; here each is looked at once more as if it did. */
function statusesOf(manifests: readonly Manifest[], settings: KnownSettings): PlannedStatus[] {
  const { statuses } = plan(snapshotOf(manifests, settings), NOW, issuer);
  const refused = new Set(statuses.filter(isRefusedUser).map(({ meta }) => keyOf(meta)));
  if (refused.size === 0) return [...statuses];
  const isAmong = (kind: string, key: string): boolean => kind === 'SmtpPlusUser' && refused.has(key);
  const accepted = manifests.map((one) => (isAmong(one.kind, keyOf(one)) ? asAccepted(one) : one));
  const further = plan(snapshotOf(accepted, settings), NOW, issuer)
    .statuses.filter(({ kind, meta }) => isAmong(kind, keyOf(meta)))
    .map(withoutAcceptance);
  return [...statuses, ...further];
}

function withoutAcceptance(plan: PlannedStatus): PlannedStatus {
  const conditions = (plan.status.conditions ?? []).filter(({ type }) => type !== 'Accepted');
  return { ...plan, status: { ...plan.status, conditions } };
}

function isRefusedUser({ kind, status }: PlannedStatus): boolean {
  const accepted = status.conditions?.find(({ type }) => type === 'Accepted');
  return kind === 'SmtpPlusUser' && accepted?.status === 'False';
}

/** Without what a user may be refused for: its list, its name. */
function asAccepted(user: Manifest): Manifest {
  const { listRef: _, username: __, ...spec } = asRecord(user.value['spec']);
  return { ...user, value: { ...user.value, spec } };
}

function about(condition: Condition, subject: CheckedObject): Finding[] {
  return objectionTo(condition, subject).map(({ path, ...finding }) => findingAt(subject.manifest, path, finding));
}

function surroundingsOf(manifests: readonly Manifest[], isPart: boolean): Surroundings {
  const byKey = new Map(
    manifests.map((manifest) => [`${manifest.kind} ${manifest.namespace}/${manifest.name}`, manifest]),
  );
  const names = new Map<string, string[]>();
  for (const { kind, namespace, name } of manifests) {
    const key = `${kind} ${namespace}`;
    const found = names.get(key);
    if (found === undefined) names.set(key, [name]);
    else found.push(name);
  }
  return {
    isPart,
    find: (kind, key) => byKey.get(`${kind} ${key}`),
    namesOf: (kind, namespace) => names.get(`${kind} ${namespace}`) ?? [],
  };
}
