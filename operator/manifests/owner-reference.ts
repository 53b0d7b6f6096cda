/** How a Secret names the SmtpPlusUser that it belongs to, on a cluster and in a folder. */
import { API_VERSION, GROUP } from '../api/common.ts';
import { retainedOwner } from '../core/credentials/ownership.ts';
import type { SecretView } from '../core/model.ts';

const KIND = 'SmtpPlusUser';

export interface Owner {
  readonly name: string;
  readonly uid: string;
}

export interface SecretOwner extends Owner {
  /** No owner reference says so, but an annotation. */
  readonly isRetained: boolean;
}

export function ownerReference({ name, uid }: Owner): object {
  return { apiVersion: API_VERSION, kind: KIND, name, uid, controller: true };
}

/**
 * The SmtpPlusUser that controls the object with these owner references. The version of the API may be any: an object
 * stays the same one when it is written through another version.
 */
export function owningUser(references: unknown): Owner | undefined {
  if (!Array.isArray(references)) return undefined;
  const controller = (references as unknown[]).find(isController);
  if (controller === undefined) return undefined;
  const { apiVersion, kind, name, uid } = controller;
  const isUser = kind === KIND && typeof apiVersion === 'string' && apiVersion.split('/')[0] === GROUP;
  return isUser && typeof name === 'string' && typeof uid === 'string' ? { name, uid } : undefined;
}

/**
 * The user that a Secret belongs to. What an annotation says counts only where no owner reference says otherwise: a Secret
 * that another controller has made is that one's.
 */
export function secretOwner(
  references: unknown,
  secret: Pick<SecretView, 'type' | 'annotations'>,
): SecretOwner | undefined {
  const isControlled = Array.isArray(references) && references.some(isController);
  const owner = isControlled ? owningUser(references) : retainedOwner(secret);
  return owner && { ...owner, isRetained: !isControlled };
}

/** What a view of a Secret says of that. */
export function ownershipOf(owner: SecretOwner | undefined): Pick<SecretView, 'controllerUid' | 'retainedFor'> {
  if (owner === undefined) return {};
  return { controllerUid: owner.uid, ...(owner.isRetained && { retainedFor: owner.name }) };
}

function isController(reference: unknown): reference is Readonly<Record<string, unknown>> {
  return (
    typeof reference === 'object' && reference !== null && 'controller' in reference && reference.controller === true
  );
}
