/** What objects say about each other, as the operator itself would judge it: the core plans, and its objections count. */
import type { Manifest } from '../manifests/parse.ts';
import type { KindName } from '../api/kinds.ts';
import { validate } from '../api/validate.ts';
import type { StatusPlan } from '../core/model.ts';
import { plan } from '../core/plan.ts';
import { findingAt, type Finding } from './finding.ts';
import { objectionTo, type Folder } from './objections.ts';
import { craft, NOW, snapshotOf } from './snapshot.ts';
import { sharedUsernames } from './usernames.ts';

/** Findings about references, conflicts and names that only the whole folder can tell. */
export function checkReferences(manifests: readonly Manifest[]): Finding[] {
  const folder = indexFolder(manifests);
  const { statuses } = plan(snapshotOf(manifests), NOW, craft);
  const users = manifests.filter((one) => one.kind === 'SmtpPlusUser' && isValid('SmtpPlusUser', one));
  const objections = statuses.flatMap((status) => {
    const manifest = folder.find(status.kind, `${status.meta.namespace}/${status.meta.name}`);
    // a spec that the schema refuses has its findings already, and the core knows no more about it
    if (manifest === undefined || !isValid(status.kind, manifest)) return [];
    return findingsOf(status, manifest, folder);
  });
  return [...objections, ...sharedUsernames(users, statuses)];
}

function findingsOf(status: StatusPlan, manifest: Manifest, folder: Folder): Finding[] {
  const conditions = status.status.conditions ?? [];
  return conditions.flatMap((condition) => {
    const objection = objectionTo(condition, { manifest, folder, status });
    return objection.map(({ path, ...finding }) => findingAt(manifest, path, finding));
  });
}

function isValid(kind: KindName, manifest: Manifest): boolean {
  return validate(kind, manifest, manifest.value['spec']).ok;
}

function indexFolder(manifests: readonly Manifest[]): Folder {
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
    find: (kind, key) => byKey.get(`${kind} ${key}`),
    namesOf: (kind, namespace) => names.get(`${kind} ${namespace}`) ?? [],
  };
}
