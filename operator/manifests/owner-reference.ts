/** How a Secret names the SmtpPlusUser that it belongs to, on a cluster and in a folder. */
import { API_VERSION, GROUP } from '../api/common.ts';

const KIND = 'SmtpPlusUser';

export interface Owner {
  readonly name: string;
  readonly uid: string;
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

function isController(reference: unknown): reference is Readonly<Record<string, unknown>> {
  return (
    typeof reference === 'object' && reference !== null && 'controller' in reference && reference.controller === true
  );
}
