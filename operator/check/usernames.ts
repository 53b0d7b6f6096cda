/**
 * User names that several SmtpPlusUsers ask for. In a cluster the older one keeps the name; in a folder nothing has an
 * age, and either of them may be the wrong one: each gets a finding.
 */
import { texts } from '../api/plain-data.ts';
import type { Manifest } from '../manifests/parse.ts';
import { formatSource } from '../manifests/read.ts';
import type { StatusPlan } from '../core/model.ts';
import { findingAt, type Finding } from './finding.ts';

/** `users` are the SmtpPlusUsers, their slips left out; `statuses` tell which of them the core refuses a name. */
export function sharedUsernames(users: readonly Manifest[], statuses: readonly StatusPlan[]): Finding[] {
  const refused = new Set(statuses.filter(isRefused).map(({ meta }) => `${meta.namespace}/${meta.name}`));
  // no Map.groupBy: pipelines run this part on Node 20 too
  const claims = new Map<string, Manifest[]>();
  for (const user of users) {
    const claimants = claims.get(usernameOf(user));
    if (claimants === undefined) claims.set(usernameOf(user), [user]);
    else claimants.push(user);
  }
  return [...claims.values()]
    .filter((claimants) => claimants.some(({ namespace, name }) => refused.has(`${namespace}/${name}`)))
    .flatMap((claimants) => claimants.flatMap((claimant) => findingAbout(claimant, claimants)));
}

function findingAbout(claimant: Manifest, claimants: readonly Manifest[]): Finding[] {
  const rival = claimants.find((one) => one !== claimant);
  if (rival === undefined) return [];
  const more = claimants.length > 2 ? ` and ${claimants.length - 2} more` : '';
  const who = `SmtpPlusUser ${rival.namespace}/${rival.name} (${formatSource(rival.source)})${more}`;
  const message = `spec.username ${usernameOf(claimant)} is asked for by ${who} too, and only one can have it; give one of them another.`;
  return [findingAt(claimant, ['spec', 'username'], { severity: 'error', rule: 'UsernameTaken', message })];
}

function isRefused({ kind, status }: StatusPlan): boolean {
  return kind === 'SmtpPlusUser' && (status.conditions ?? []).some(({ reason }) => reason === 'UsernameTaken');
}

function usernameOf({ namespace, name, value }: Manifest): string {
  return texts(value['spec'])['username'] ?? `${name}.${namespace}`;
}
