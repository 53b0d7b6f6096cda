/** Which list a user belongs to, and whether that list takes it. */
import type { UserSpec } from '../../api/user.ts';
import { defaultListOf, listVerdicts, type ListTerms } from '../lists/lists.ts';
import type { ObjectMeta } from '../model.ts';
import { BUILT_IN_LIST } from '../names.ts';
import { allows } from '../selector.ts';
import { read, type World } from '../world.ts';

export type ListMembership =
  | { readonly ok: true; readonly list: string; readonly terms: ListTerms }
  | {
      readonly ok: false;
      readonly list: string;
      readonly reason: 'ListNotFound' | 'NamespaceNotAllowed' | 'ListNotAccepted';
      readonly message: string;
    };

/** The list of `listRef`, else the default list of the namespace, else the built-in one. */
export function membershipOf(world: World, { meta, spec }: { meta: ObjectMeta; spec: UserSpec }): ListMembership {
  const { namespace } = meta;
  const list = listOf(world, namespace, spec.listRef);
  const owner = list.slice(0, list.indexOf('/'));
  const verdict = read(world, listVerdicts, list);
  if (verdict === undefined) {
    const message = `spec.listRef: SmtpPlusList ${list} does not exist; create it, or correct the reference.`;
    return { ok: false, list, reason: 'ListNotFound', message };
  }
  // before anything else is said about the list: what it is like concerns only those whom it allows
  const allowed = verdict.allowed ?? { from: 'Same' };
  if (!allows(world, allowed, { owner, guest: namespace })) {
    const message = `SmtpPlusList ${list} takes no users of namespace ${namespace}; ask its owner to add it to spec.allowedNamespaces.`;
    return { ok: false, list, reason: 'NamespaceNotAllowed', message };
  }
  if (verdict.terms === undefined) {
    const message = `SmtpPlusList ${list} is not accepted itself: ${verdict.accepted.reason}. Its status says what to do.`;
    return { ok: false, list, reason: 'ListNotAccepted', message };
  }
  return { ok: true, list, terms: verdict.terms };
}

function listOf(world: World, namespace: string, ref: UserSpec['listRef']): string {
  if (ref !== undefined) return `${ref.namespace ?? namespace}/${ref.name}`;
  const name = defaultListOf(world, namespace);
  return name === undefined ? BUILT_IN_LIST : `${namespace}/${name}`;
}
