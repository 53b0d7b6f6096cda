/** Which list a user belongs to, and whether that list accepts it. */
import type { Path } from '../../api/path.ts';
import type { UserSpec } from '../../api/user.ts';
import type { ListTerms, ListVerdict } from '../lists/list-verdict.ts';
import { BUILT_IN_LIST } from '../names.ts';
import { allows, serves, type Guest } from '../selector.ts';

export type ListMembership =
  | { readonly ok: true; readonly list: string; readonly terms: ListTerms }
  | {
      readonly ok: false;
      readonly list: string;
      readonly reason: 'ListNotFound' | 'NamespaceNotAllowed' | 'ListNotAccepted' | 'RelayClassNotAllowed';
      readonly message: string;
      readonly field: Path;
    };

const FIELD = ['spec', 'listRef'];

/** What is known of a list that a user asks for. */
export interface AskedList {
  /** `NAMESPACE/NAME`. */
  readonly key: string;
  /** Undefined where there is no such list. */
  readonly verdict: ListVerdict | undefined;
}

/** Key of the list of `listRef`, else of the default list of the namespace, else of the built-in one. */
export function listAskedFor(namespace: string, ref: UserSpec['listRef'], defaultList: string | undefined): string {
  if (ref !== undefined) return `${ref.namespace ?? namespace}/${ref.name}`;
  return defaultList === undefined ? BUILT_IN_LIST : `${namespace}/${defaultList}`;
}

/** Whether the list takes users of the namespace `guest`. */
export function membershipOf({ key: list, verdict }: AskedList, guest: Guest): ListMembership {
  const owner = list.slice(0, list.indexOf('/'));
  if (verdict === undefined) {
    const message = `spec.listRef: SmtpPlusList ${list} does not exist; create it, or correct the reference.`;
    return { ok: false, list, reason: 'ListNotFound', message, field: FIELD };
  }
  // before anything else is said about the list: what it is like concerns only those whom it allows
  const allowed = verdict.allowed ?? { from: 'Same' };
  if (!allows(allowed, owner, guest)) {
    const message = `SmtpPlusList ${list} takes no users of namespace ${guest.name}; name another list, or ask the owner of this one to add your namespace to its spec.allowedNamespaces.`;
    return { ok: false, list, reason: 'NamespaceNotAllowed', message, field: FIELD };
  }
  if (verdict.terms === undefined) {
    // there is no object of that name whose status could be read
    const message =
      list === BUILT_IN_LIST
        ? `This namespace has no default list, and the built-in one cannot be used. ${verdict.accepted.message}`
        : `SmtpPlusList ${list} is not accepted itself: ${verdict.accepted.reason}. Its status says what to do.`;
    return { ok: false, list, reason: 'ListNotAccepted', message, field: FIELD };
  }
  const { className, servedNamespaces } = verdict.terms;
  if (!serves(servedNamespaces, guest)) {
    const which =
      list === BUILT_IN_LIST ? 'This namespace has no default list, and the built-in one' : `SmtpPlusList ${list}`;
    const message = `${which} belongs to relay class ${className}, which takes no users of namespace ${guest.name}; name a list of another class, or ask the platform owner to let your namespace use this one (its setting allowedNamespaces).`;
    return { ok: false, list, reason: 'RelayClassNotAllowed', message, field: FIELD };
  }
  return { ok: true, list, terms: verdict.terms };
}
